import { Contract, getBytes, type Interface, id, keccak256, ZeroAddress, ZeroHash } from "ethers";
import type { Address, Hex } from "../../../records/index.js";
import { deployedCode } from "../bindings/deployedCode.js";
import { ChainError } from "../errors.js";
import { createLogReader } from "../events/logReader.js";
import type { FailoverProvider } from "../rpc/provider.js";
import { contractInterfaces } from "./contracts.js";
import { ContractNames, type Deployment } from "./deployment.js";
import { requireReached } from "./probe.js";
import { toChainError } from "./revert.js";

/** One thing that must be so in a DAO that nobody owns. */
export interface DeploymentCheck {
  /** A sentence, such as "genesis is closed". */
  readonly check: string;
  readonly ok: boolean;
  /** What was found instead; empty if it is so. */
  readonly found: string;
}

type CodeName = keyof typeof deployedCode;

/** Blocks after the deployment within which its deployer must have given up its role. */
const HAND_OVER_BLOCKS = 50_000;
/** What the timelock tells once, in its constructor, and never again: its delay is sealed. */
const CREATION = "MinDelayChange";
/** What the timelock tells of calls that went through it. */
const ACTS: readonly string[] = ["CallScheduled", "CallExecuted"];
const GOVERNOR_ROLES = ["PROPOSER_ROLE", "EXECUTOR_ROLE", "CANCELLER_ROLE"] as const;

/**
 * Checks that a deployment is a DAO that nobody owns: its code is the one that this version was built with, its contracts name
 * one another, genesis is closed, and no account but the governor may act through the timelock. Since the code says that
 * nobody can change roles after the deployer has renounced its own, the first blocks tell all of them.
 *
 * @throws {@link ChainError} `rpc-*`; `rpc-behind` if the RPC node has not reached the deployment yet.
 */
export async function verifyDeployment(
  provider: FailoverProvider,
  { contracts, deployedAtBlock }: Pick<Deployment, "contracts" | "deployedAtBlock">,
): Promise<DeploymentCheck[]> {
  try {
    const checks = await checkOnce(provider, { contracts, deployedAtBlock });
    // An answer that is wrong for a moment must not be the last word: what fails is read again.
    return checks.every(({ ok }) => ok) ? checks : await checkOnce(provider, { contracts, deployedAtBlock });
  } catch (error) {
    throw toChainError(error);
  }
}

async function checkOnce(
  provider: FailoverProvider,
  { contracts: addresses, deployedAtBlock }: Pick<Deployment, "contracts" | "deployedAtBlock">,
): Promise<DeploymentCheck[]> {
  const codes = await Promise.all(ContractNames.map((name) => checkCode(provider, name, addresses[name])));
  // What other code answers means nothing.
  if (codes.some(({ ok }) => !ok)) {
    await requireReached(provider, deployedAtBlock);
    return codes;
  }
  const reader = await readAddress(provider, addresses.NodeGovernor, "reader");
  const changes = await readAddress(provider, addresses.NodeRegistry, "changes");
  return [
    ...codes,
    await checkCode(provider, "ProposalReader", reader),
    await checkCode(provider, "NodeChanges", changes),
    ...(await checkReferences(provider, addresses, { reader, changes })),
    ...(await checkRoles(provider, addresses, deployedAtBlock)),
  ];
}

/** @throws {@link ChainError} `unsafe-deployment`, naming what is wrong. */
export function requireSafeDeployment(checks: readonly DeploymentCheck[]): void {
  const [first, ...more] = checks.filter(({ ok }) => !ok);
  if (first === undefined) return;
  const others = more.length === 0 ? "" : ` ${more.length} more checks fail.`;
  throw new ChainError("unsafe-deployment", `This DAO is not safe to join: not so that ${first.check}.`, {
    details: `${first.found}.${others}`,
    hints: ["Run `witan dao verify` to see every check.", "Take the network file from somebody you trust."],
  });
}

async function checkCode(provider: FailoverProvider, name: CodeName, address: Address): Promise<DeploymentCheck> {
  const code: Hex = await provider.send("eth_getCode", [address, "latest"]);
  const { hash, immutables, length } = deployedCode[name];
  const bytes = getBytes(code);
  for (const [start, size] of immutables) bytes.fill(0, start, start + size);
  const ok = bytes.length === length && keccak256(bytes) === hash;
  const found = bytes.length === 0 ? `there is no contract at ${address}` : `other code is at ${address}`;
  return { check: `${name} is the one of this version`, ok, found: ok ? "" : found };
}

async function checkReferences(
  provider: FailoverProvider,
  addresses: Deployment["contracts"],
  inner: { readonly reader: Address; readonly changes: Address },
): Promise<DeploymentCheck[]> {
  const {
    DirectiveRegistry,
    HostRegistry,
    KnowledgeRegistry,
    ModelRegistry,
    NodeGovernor,
    NodePresence,
    NodeRegistry,
    NodeTimelock,
    ParameterRegistry,
    PublisherRegistry,
  } = addresses;
  const references: readonly [check: string, contract: Address, getter: string, expected: string][] = [
    ["genesis is closed", NodeRegistry, "founder", ZeroAddress],
    ["NodeRegistry obeys the timelock", NodeRegistry, "timelock", NodeTimelock],
    ["NodeChanges obeys the timelock", inner.changes, "timelock", NodeTimelock],
    ["NodePresence knows the nodes", NodePresence, "nodes", NodeRegistry],
    ["NodeRegistry knows presence", NodeRegistry, "presences", NodePresence],
    ["NodeGovernor knows presence", inner.reader, "presences", NodePresence],
    ["ModelRegistry obeys the timelock", ModelRegistry, "timelock", NodeTimelock],
    ["ParameterRegistry obeys the timelock", ParameterRegistry, "timelock", NodeTimelock],
    ["PublisherRegistry obeys the timelock", PublisherRegistry, "timelock", NodeTimelock],
    ["DirectiveRegistry obeys the timelock", DirectiveRegistry, "timelock", NodeTimelock],
    ["NodeGovernor acts through the timelock", NodeGovernor, "timelock", NodeTimelock],
    ["NodeGovernor knows the nodes", NodeGovernor, "nodes", NodeRegistry],
    ["DirectiveRegistry knows the nodes", DirectiveRegistry, "nodes", NodeRegistry],
    ["KnowledgeRegistry knows the nodes", KnowledgeRegistry, "nodes", NodeRegistry],
    ["HostRegistry knows the nodes", HostRegistry, "nodes", NodeRegistry],
    ["NodeGovernor knows membership", inner.reader, "nodes", NodeRegistry],
    ["NodeGovernor knows directives", inner.reader, "directives", DirectiveRegistry],
    ["NodeGovernor knows models", inner.reader, "models", ModelRegistry],
    ["NodeGovernor knows parameters", inner.reader, "parameters", ParameterRegistry],
    ["ParameterRegistry knows publishers", ParameterRegistry, "publishers", PublisherRegistry],
  ];
  return Promise.all(
    references.map(async ([check, contract, getter, expected]) => {
      const found = await readAddress(provider, contract, getter);
      const ok = found.toLowerCase() === expected.toLowerCase();
      return { check, ok, found: ok ? "" : `it is ${found}, not ${expected}` };
    }),
  );
}

/** The address that a contract returns for a getter. */
async function readAddress(provider: FailoverProvider, contract: Address, getter: string): Promise<Address> {
  return new Contract(contract, [`function ${getter}() view returns (address)`], provider).getFunction(getter)();
}

async function checkRoles(
  provider: FailoverProvider,
  { NodeGovernor, NodeTimelock }: Deployment["contracts"],
  deployedAtBlock: number,
): Promise<DeploymentCheck[]> {
  const face: Interface = contractInterfaces.NodeTimelock;
  const governorRoles = GOVERNOR_ROLES.map((name) => [name, id(name)] as const);
  const holders = new Map<string, Set<string>>();
  const isHandedOver = () => {
    const admins = holdersOf(holders, ZeroHash);
    const isSealed = admins.size === 1 && admins.has(NodeTimelock.toLowerCase());
    return isSealed && holdersOf(holders, id("PROPOSER_ROLE")).size > 0;
  };
  const newest = Number(await provider.send("eth_blockNumber", []));
  const end = Math.min(newest, deployedAtBlock + HAND_OVER_BLOCKS);
  const names = ["RoleGranted", "RoleRevoked", CREATION, ...ACTS] as const;
  const topics = [names.flatMap((name) => (face.getEvent(name)?.topicHash as Hex | undefined) ?? [])];
  const reader = createLogReader({ provider, filter: { address: [NodeTimelock], topics }, decode: (log) => log });
  let sawCreation = false;
  let acts = 0;
  for (let from = deployedAtBlock; from <= end; ) {
    const { events: logs, lastBlock } = await reader.read(from, end);
    from = lastBlock + 1;
    for (const log of logs) {
      const event = face.parseLog(log);
      if (event === null) continue;
      if (event.name === CREATION) {
        sawCreation = true;
        continue;
      }
      if (ACTS.includes(event.name)) {
        // What is done while the deployer is admin is no vote's.
        if (!isHandedOver()) acts += 1;
        continue;
      }
      const [role, account] = [String(event.args[0]), String(event.args[1]).toLowerCase()];
      const held = holdersOf(holders, role);
      if (event.name === "RoleGranted") held.add(account);
      else held.delete(account);
    }
    if (isHandedOver()) break;
  }
  const check = (name: string, role: string, expected: Address, who: string): DeploymentCheck => {
    const held = [...holdersOf(holders, role)];
    const ok = held.length === 1 && held[0] === expected.toLowerCase();
    return { check: `${who} alone has ${name}`, ok, found: ok ? "" : `it is held by ${held.join(", ") || "nobody"}` };
  };
  return [
    check("DEFAULT_ADMIN_ROLE", ZeroHash, NodeTimelock, "the timelock"),
    ...governorRoles.map(([name, role]) => check(name, role, NodeGovernor, "the governor")),
    {
      check: "the deployment is read from its beginning",
      ok: sawCreation,
      found: sawCreation ? "" : `the timelock is older than block ${deployedAtBlock}, which the network file names`,
    },
    {
      check: "nobody acted through the timelock before its hand-over",
      ok: acts === 0,
      found: acts === 0 ? "" : `${acts} calls were scheduled or executed`,
    },
  ];
}

function holdersOf(holders: Map<string, Set<string>>, role: string): Set<string> {
  const held = holders.get(role) ?? new Set();
  holders.set(role, held);
  return held;
}

import { getBytes, id, keccak256, toQuantity, ZeroAddress, ZeroHash } from "ethers";
import type { Address, Hex } from "../../../records/index.js";
import { deployedCode } from "../bindings/deployedCode.js";
import {
  DirectiveRegistry__factory,
  KnowledgeRegistry__factory,
  ModelRegistry__factory,
  NodeChanges__factory,
  NodeGovernor__factory,
  NodePresence__factory,
  NodeRegistry__factory,
  NodeTimelock__factory,
  ParameterRegistry__factory,
  ProposalReader__factory,
  PublisherRegistry__factory,
} from "../bindings/index.js";
import { ChainError } from "../errors.js";
import { DEFAULT_BLOCK_RANGE } from "../events/logReader.js";
import type { RawLog } from "../events/rawLog.js";
import type { FailoverProvider } from "../rpc/provider.js";
import { ContractNames, type Deployment } from "./deployment.js";
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
 * @throws {@link ChainError} `rpc-*`.
 */
export async function verifyDeployment(
  provider: FailoverProvider,
  { contracts: addresses, deployedAtBlock }: Pick<Deployment, "contracts" | "deployedAtBlock">,
): Promise<DeploymentCheck[]> {
  try {
    const codes = await Promise.all(ContractNames.map((name) => checkCode(provider, name, addresses[name])));
    // What other code answers means nothing.
    if (codes.some(({ ok }) => !ok)) return codes;
    const reader = (await NodeGovernor__factory.connect(addresses.NodeGovernor, provider).reader()) as Address;
    const nodes = NodeRegistry__factory.connect(addresses.NodeRegistry, provider);
    const changes = (await nodes.changes()) as Address;
    return [
      ...codes,
      await checkCode(provider, "ProposalReader", reader),
      await checkCode(provider, "NodeChanges", changes),
      ...(await checkReferences(provider, addresses, { reader, changes })),
      ...(await checkRoles(provider, addresses, deployedAtBlock)),
    ];
  } catch (error) {
    throw toChainError(error);
  }
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
  const nodes = NodeRegistry__factory.connect(addresses.NodeRegistry, provider);
  const knowledge = KnowledgeRegistry__factory.connect(addresses.KnowledgeRegistry, provider);
  const models = ModelRegistry__factory.connect(addresses.ModelRegistry, provider);
  const parameters = ParameterRegistry__factory.connect(addresses.ParameterRegistry, provider);
  const publishers = PublisherRegistry__factory.connect(addresses.PublisherRegistry, provider);
  const directives = DirectiveRegistry__factory.connect(addresses.DirectiveRegistry, provider);
  const governor = NodeGovernor__factory.connect(addresses.NodeGovernor, provider);
  const reader = ProposalReader__factory.connect(inner.reader, provider);
  const changes = NodeChanges__factory.connect(inner.changes, provider);
  const presences = NodePresence__factory.connect(addresses.NodePresence, provider);
  const {
    DirectiveRegistry,
    ModelRegistry,
    NodePresence,
    NodeRegistry,
    NodeTimelock,
    ParameterRegistry,
    PublisherRegistry,
  } = addresses;
  const references: readonly [check: string, found: Promise<string>, expected: string][] = [
    ["genesis is closed", nodes.founder(), ZeroAddress],
    ["NodeRegistry obeys the timelock", nodes.timelock(), NodeTimelock],
    ["NodeChanges obeys the timelock", changes.timelock(), NodeTimelock],
    ["NodePresence knows the nodes", presences.nodes(), NodeRegistry],
    ["NodeRegistry knows presence", nodes.presences(), NodePresence],
    ["NodeGovernor knows presence", reader.presences(), NodePresence],
    ["ModelRegistry obeys the timelock", models.timelock(), NodeTimelock],
    ["ParameterRegistry obeys the timelock", parameters.timelock(), NodeTimelock],
    ["PublisherRegistry obeys the timelock", publishers.timelock(), NodeTimelock],
    ["DirectiveRegistry obeys the timelock", directives.timelock(), NodeTimelock],
    ["NodeGovernor acts through the timelock", governor.timelock(), NodeTimelock],
    ["NodeGovernor knows the nodes", governor.nodes(), NodeRegistry],
    ["DirectiveRegistry knows the nodes", directives.nodes(), NodeRegistry],
    ["KnowledgeRegistry knows the nodes", knowledge.nodes(), NodeRegistry],
    ["NodeGovernor knows membership", reader.nodes(), NodeRegistry],
    ["NodeGovernor knows directives", reader.directives(), DirectiveRegistry],
    ["NodeGovernor knows models", reader.models(), ModelRegistry],
    ["NodeGovernor knows parameters", reader.parameters(), ParameterRegistry],
    ["ParameterRegistry knows publishers", parameters.publishers(), PublisherRegistry],
  ];
  return Promise.all(
    references.map(async ([check, finding, expected]) => {
      const found = await finding;
      const ok = found.toLowerCase() === expected.toLowerCase();
      return { check, ok, found: ok ? "" : `it is ${found}, not ${expected}` };
    }),
  );
}

async function checkRoles(
  provider: FailoverProvider,
  { NodeGovernor, NodeTimelock }: Deployment["contracts"],
  deployedAtBlock: number,
): Promise<DeploymentCheck[]> {
  const timelock = NodeTimelock__factory.connect(NodeTimelock, provider);
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
  const topics = [names.map((name) => timelock.interface.getEvent(name as "RoleGranted").topicHash)];
  let sawCreation = false;
  let acts = 0;
  for (let from = deployedAtBlock; from <= end; from += DEFAULT_BLOCK_RANGE) {
    const to = Math.min(end, from + DEFAULT_BLOCK_RANGE - 1);
    const range = { fromBlock: toQuantity(from), toBlock: toQuantity(to) };
    const logs: RawLog[] = await provider.send("eth_getLogs", [{ address: NodeTimelock, topics, ...range }]);
    for (const log of logs) {
      const event = timelock.interface.parseLog(log);
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

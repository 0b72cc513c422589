import { rm } from "node:fs/promises";
import { network } from "hardhat";
import { beforeAll, describe, expect, it } from "vitest";
import Witan, { DEFAULT_TRACKS, genesisModule, genesisOf, NODES_PER_BATCH } from "../../ignition/modules/Witan.js";
import {
  type DirectiveRegistry,
  DirectiveRegistry__factory,
  type ModelRegistry,
  ModelRegistry__factory,
  type NodeGovernor,
  NodeGovernor__factory,
  type NodeRegistry,
  NodeRegistry__factory,
  type NodeTimelock,
  NodeTimelock__factory,
  type ParameterRegistry,
  ParameterRegistry__factory,
} from "../../src/ports/chain/bindings/index.js";
import { accountOf, consentTo } from "../harness/contracts/consents.js";
import { type Admission, admissionOf } from "../harness/contracts/eip2537.js";

const { ethers, ignition } = await network.create();
const signers = await ethers.getSigners();
const operators = signers.slice(1, 6);
const genesis = () => operators.map(({ address }) => admissionOf(address, address));
const ADMIN = ethers.ZeroHash;

/** Deploys the contracts, has the operators consent to the registry, and admits their nodes. */
async function deployWith(
  { ignition: its }: Pick<Awaited<ReturnType<typeof network.create>>, "ignition">,
  nodes: () => readonly Admission[],
  options: { readonly deploymentId?: string } = {},
) {
  const deployed = await its.deploy(Witan, options);
  const registry = await deployed.nodes.getAddress();
  consentTo(registry);
  const { batches, parameters } = genesisOf(nodes());
  await its.deploy(genesisModule(batches), { parameters: { Genesis: { registry, ...parameters } }, ...options });
  return deployed;
}

const TRACKS = ["emergency", "operations", "membership", "constitution"] as const;

describe("the deployment", () => {
  let deployment: {
    nodes: NodeRegistry;
    governor: NodeGovernor;
    timelock: NodeTimelock;
    models: ModelRegistry;
    parameters: ParameterRegistry;
    directives: DirectiveRegistry;
  };

  beforeAll(async () => {
    const deployed = await deployWith({ ignition }, genesis);
    const at = async (name: keyof typeof deployed) => deployed[name].getAddress();
    deployment = {
      nodes: NodeRegistry__factory.connect(await at("nodes"), ethers.provider),
      governor: NodeGovernor__factory.connect(await at("governor"), ethers.provider),
      timelock: NodeTimelock__factory.connect(await at("timelock"), ethers.provider),
      models: ModelRegistry__factory.connect(await at("models"), ethers.provider),
      parameters: ParameterRegistry__factory.connect(await at("parameters"), ethers.provider),
      directives: DirectiveRegistry__factory.connect(await at("directives"), ethers.provider),
    };
  });

  it("admits the genesis nodes and closes genesis", async () => {
    const { nodes: registry } = deployment;
    const epoch = await registry.epoch();
    const nodes = await registry.queryFilter(registry.filters.NodeAdmitted);
    expect((await registry.committee(epoch)).size).toBe(BigInt(operators.length));
    expect(nodes.map(({ args }) => args.operator)).toEqual(operators.map(({ address }) => address));
    for (const { operator, key } of nodes.map(({ args }) => args)) {
      expect(await registry.keyOf(await registry.indexOf(operator, epoch))).toBe(key);
    }
    expect(await registry.founder()).toBe(ethers.ZeroAddress);
    expect(await registry.queryFilter(registry.filters.GenesisClosed)).toHaveLength(1);
  });

  it("binds every contract to the one timelock", async () => {
    const { nodes: registry, governor, timelock, models, parameters, directives } = deployment;
    for (const contract of [registry, governor, models, parameters, directives]) {
      expect(await contract.timelock()).toBe(await timelock.getAddress());
    }
    expect(await directives.nodes()).toBe(await registry.getAddress());
    expect(await timelock.getMinDelay()).toBe(0n);
  });

  it("leaves every role with the governor and the timelock alone", async () => {
    const { timelock, governor } = deployment;
    const holders = new Map<string, Set<string>>();
    const logs = await ethers.provider.getLogs({ address: await timelock.getAddress(), fromBlock: 0 });
    for (const log of logs) {
      const event = timelock.interface.parseLog(log);
      if (event?.name === "RoleGranted") {
        holders.set(event.args.role, (holders.get(event.args.role) ?? new Set()).add(event.args.account));
      }
      if (event?.name === "RoleRevoked") holders.get(event.args.role)?.delete(event.args.account);
    }

    const [governorAt, timelockAt] = [await governor.getAddress(), await timelock.getAddress()];
    const expected = new Map([
      [ADMIN, new Set([timelockAt])],
      [ethers.id("PROPOSER_ROLE"), new Set([governorAt])],
      [ethers.id("EXECUTOR_ROLE"), new Set([governorAt])],
      [ethers.id("CANCELLER_ROLE"), new Set([governorAt])],
    ]);
    expect(holders).toEqual(expected);
    for (const role of expected.keys()) {
      expect(await timelock.getRoleAdmin(role)).toBe(ADMIN);
      for (const account of [ethers.ZeroAddress, ...signers.map(({ address }) => address)]) {
        expect(await timelock.hasRole(role, account)).toBe(false);
      }
    }
  });

  it("refuses every privileged call from every account, the deployer's first of all", async () => {
    const { nodes: registry, governor, timelock, models, parameters, directives } = deployment;
    consentTo(await registry.getAddress());
    const stranger = admissionOf(accountOf("stranger"), "stranger");
    const [first, second] = operators.map(({ address }) => address) as [string, string];
    const word = ethers.id("any");
    const call = [ethers.ZeroAddress, 0, "0x", ethers.ZeroHash, word] as const;
    const directive = {
      kind: 0,
      subject: word,
      payload: word,
      delay: 0,
      window: 60,
      salt: word,
      base: ADMIN,
      evidence: [],
    };
    type Call = (signer: (typeof signers)[number]) => Promise<unknown>;
    const calls: Record<string, Call> = {
      "NodeRegistryUnauthorized admit": (signer) => registry.connect(signer).admit([stranger]),
      "NodeRegistryUnauthorized remove": (signer) => registry.connect(signer).remove([first]),
      "NodeRegistryUnauthorized changeOperator": (signer) =>
        registry.connect(signer).changeOperator(first, second, 2 ** 40, "0x", "0x"),
      "NodeRegistryUnauthorized closeGenesis": (signer) => registry.connect(signer).closeGenesis(),
      "ModelRegistryUnauthorized accept": (signer) => models.connect(signer).accept(word, word, ADMIN, 1),
      "ParameterRegistryUnauthorized setParameter": (signer) => parameters.connect(signer).setParameter(word, 1),
      "ParameterRegistryUnauthorized setFlag": (signer) => parameters.connect(signer).setFlag(word, true),
      "DirectiveRegistryUnauthorized issue": (signer) => directives.connect(signer).issue(directive),
      "GovernorOnlyExecutor setTrack": (signer) => governor.connect(signer).setTrack(0, DEFAULT_TRACKS.emergency),
      "GovernorOnlyExecutor dismissGuardian": (signer) => governor.connect(signer).dismissGuardian(),
      "GovernorDisabled relay": (signer) => governor.connect(signer).relay(ethers.ZeroAddress, 0, "0x"),
      "AccessControlUnauthorizedAccount schedule": (signer) => timelock.connect(signer).schedule(...call, 0),
      "AccessControlUnauthorizedAccount execute": (signer) => timelock.connect(signer).execute(...call),
      "AccessControlUnauthorizedAccount cancel": (signer) => timelock.connect(signer).cancel(word),
      "AccessControlUnauthorizedAccount grantRole": (signer) => timelock.connect(signer).grantRole(ADMIN, signer),
      "AccessControlUnauthorizedAccount revokeRole": (signer) => timelock.connect(signer).revokeRole(ADMIN, timelock),
      "NodeTimelockSealed updateDelay": (signer) => timelock.connect(signer).updateDelay(1),
    };
    for (const signer of signers.slice(0, 8)) {
      for (const [name, attempt] of Object.entries(calls)) {
        await expect(attempt(signer), name).rejects.toThrow(name.split(" ")[0] ?? name);
      }
    }
  });

  it("gives each track its rules, and has no guardian by default", async () => {
    const { governor } = deployment;
    for (const [track, name] of TRACKS.entries()) {
      const expected = Object.values(DEFAULT_TRACKS[name]).map((rule) =>
        typeof rule === "number" ? BigInt(rule) : rule,
      );
      expect([...(await governor.trackRules(track))]).toEqual(expected);
    }
    expect(await governor.guardian()).toBe(ethers.ZeroAddress);
    expect(await governor.guardianExpiry()).toBe(0n);
  });

  it("takes other rules and a guardian as parameters", async () => {
    const guardianExpiry = Math.floor(Date.now() / 1_000) + 150 * 86_400;
    const emergency = { ...DEFAULT_TRACKS.emergency, votingPeriod: 25, openLimit: 3 };
    const guardian = signers[7]?.address ?? "";
    const other = await network.create();
    const { governor } = await other.ignition.deploy(Witan, {
      parameters: {
        Witan: { emergency, guardian, guardianExpiry },
      },
    });
    const connected = NodeGovernor__factory.connect(await governor.getAddress(), other.ethers.provider);
    const emergencyRules = await connected.trackRules(0);
    expect([emergencyRules.votingPeriod, emergencyRules.openLimit]).toEqual([25n, 3n]);
    expect((await connected.trackRules(1)).votingPeriod).toBe(86_400n);
    expect(await connected.guardian()).toBe(guardian);
    expect(await connected.guardianExpiry()).toBe(BigInt(guardianExpiry));
  });

  it("admits more nodes than one transaction can, batch by batch", async () => {
    const count = NODES_PER_BATCH + 3;
    const many = () => Array.from({ length: count }, (_, i) => admissionOf(accountOf(`many ${i}`), `many ${i}`));
    const other = await network.create();
    const deployed = await deployWith(other, many);
    const registry = NodeRegistry__factory.connect(await deployed.nodes.getAddress(), other.ethers.provider);
    const epoch = await registry.epoch();
    expect(epoch).toBe(2n);
    expect((await registry.committee(epoch)).size).toBe(BigInt(count));
  });

  it("stops at a genesis without nodes", async () => {
    const other = await network.create();
    await expect(deployWith(other, () => [])).rejects.toThrow("NodeRegistryEmptyBatch");
  });

  it("deploys over RPC as it does in process", async () => {
    const server = await network.createServer("default", "127.0.0.1", 0);
    const { address, port } = await server.listen();
    // Ignition leaves a journal of each deployment over RPC; the chain ends with the test.
    const deploymentId = `test-${process.pid}-${port}`;
    try {
      const url = `http://${address}:${port}`;
      const remote = await network.create({ network: "localhost", override: { url } });
      const deployed = await deployWith(remote, genesis, { deploymentId });
      const registry = NodeRegistry__factory.connect(await deployed.nodes.getAddress(), remote.ethers.provider);
      expect(await registry.founder()).toBe(ethers.ZeroAddress);
      expect((await registry.committee(1)).size).toBe(BigInt(operators.length));
      await remote.close();
    } finally {
      await server.close();
      const journal = new URL(`../../ignition/deployments/${deploymentId}`, import.meta.url);
      await rm(journal, { recursive: true, force: true });
    }
  });
});

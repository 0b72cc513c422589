import type { HardhatEthersSigner } from "@nomicfoundation/hardhat-ethers/types";
import { id, ZeroAddress, ZeroHash } from "ethers";
import { network } from "hardhat";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { DEFAULT_TRACKS } from "../../../../ignition/modules/Witan.js";
import {
  DirectiveRegistry__factory,
  HostRegistry__factory,
  KnowledgeRegistry__factory,
  ModelRegistry__factory,
  NodeChanges__factory,
  NodeGovernor__factory,
  NodeRegistry__factory,
  NodeTimelock__factory,
  ParameterRegistry__factory,
  PublisherRegistry__factory,
} from "../../../../src/ports/chain/bindings/index.js";
import { requireSafeDeployment, verifyDeployment } from "../../../../src/ports/chain/index.js";
import { createHttpEndpoint, createLocalEndpoint } from "../../../../src/ports/chain/rpc/endpoint.js";
import { FailoverProvider } from "../../../../src/ports/chain/rpc/provider.js";
import type { Address } from "../../../../src/records/index.js";
import { omitLogs, smallRanges, syncing } from "../../../faults/rpcFaults.js";
import { type RpcProxy, startRpcProxy } from "../../../faults/rpcProxy.js";
import { admissionOf, blsKey, operatorKey } from "../../../harness/deploy.js";

const { ethers, provider: eip1193 } = await network.create();
const [deployer, stranger] = (await ethers.getSigners()) as [HardhatEthersSigner, HardhatEthersSigner];
const ROLES = ["PROPOSER_ROLE", "EXECUTOR_ROLE", "CANCELLER_ROLE"];
let provider: FailoverProvider;
let proxy: RpcProxy;
/** Through the proxy. */
let proxied: FailoverProvider;

beforeAll(async () => {
  const options = { chainId: Number(await eip1193.request({ method: "eth_chainId" })), timeoutMs: 10_000, pollMs: 10 };
  provider = new FailoverProvider([createLocalEndpoint(eip1193)], options);
  proxy = await startRpcProxy(eip1193);
  proxied = new FailoverProvider([createHttpEndpoint(proxy.url)], options);
});
afterEach(() => proxy.heal());
afterAll(async () => {
  proxied.destroy();
  await proxy.close();
});

type Fault =
  | "open-genesis"
  | "acted-before"
  | "granted-again"
  | "deployer-is-admin"
  | "second-proposer"
  | "anybody-executes"
  | "issued-by-account"
  | "foreign-members"
  | "foreign-changes";

/** Deploys a DAO as its Ignition module does, but for one fault. */
async function deployWith(fault?: Fault) {
  const deployedAtBlock = (await ethers.provider.getBlockNumber()) + 1;
  const self = deployer.address;
  const timelock = await new NodeTimelock__factory(deployer).deploy(self);
  const at = async (contract: { getAddress(): Promise<string> }) => (await contract.getAddress()) as Address;
  const changes = await new NodeChanges__factory(deployer).deploy(fault === "foreign-changes" ? self : timelock);
  const nodes = await new NodeRegistry__factory(deployer).deploy(timelock, self, changes);
  const others = await new NodeRegistry__factory(deployer).deploy(timelock, self, changes);
  const hosts = await new HostRegistry__factory(deployer).deploy(nodes);
  const knowledge = await new KnowledgeRegistry__factory(deployer).deploy(fault === "foreign-members" ? others : nodes);
  const models = await new ModelRegistry__factory(deployer).deploy(timelock);
  const parameters = await new ParameterRegistry__factory(deployer).deploy(timelock);
  const issuer = fault === "issued-by-account" ? self : await at(timelock);
  const directives = await new DirectiveRegistry__factory(deployer).deploy(issuer, nodes);
  const { constitution, emergency, membership, operations } = DEFAULT_TRACKS;
  const governor = await new NodeGovernor__factory(deployer).deploy(
    ...([nodes, timelock, directives, models, parameters, ZeroAddress, 0] as const),
    [emergency, operations, membership, constitution],
  );
  const context = { chainId: 31_337, registry: (await nodes.getAddress()) as Address };
  await nodes.admit([admissionOf(context, operatorKey(0), blsKey(0))]);
  if (fault !== "open-genesis") await nodes.closeGenesis();
  for (const role of ROLES) await timelock.grantRole(id(role), governor);
  if (fault === "second-proposer") await timelock.grantRole(id("PROPOSER_ROLE"), stranger);
  if (fault === "anybody-executes") await timelock.grantRole(id("EXECUTOR_ROLE"), ZeroAddress);
  if (fault === "acted-before") {
    for (const role of ["PROPOSER_ROLE", "EXECUTOR_ROLE"]) await timelock.grantRole(id(role), self);
    const publishers = PublisherRegistry__factory.connect(await parameters.publishers(), deployer);
    const data = publishers.interface.encodeFunctionData("admit", [id("a publisher of the deployer's own")]);
    const call = [publishers, 0, data, ZeroHash, ZeroHash] as const;
    await timelock.schedule(...call, 0);
    await timelock.execute(...call);
    for (const role of ["PROPOSER_ROLE", "EXECUTOR_ROLE"]) await timelock.revokeRole(id(role), self);
  }
  if (fault === "granted-again") {
    // The deployer stays admin, which was told before.
    for (const [role, account] of [
      [ZeroHash, timelock],
      ...ROLES.map((name) => [id(name), governor] as const),
    ] as const) {
      await timelock.revokeRole(role, account);
      await timelock.grantRole(role, account);
    }
    return result();
  }
  if (fault !== "deployer-is-admin") await timelock.renounceRole(ZeroHash, self);
  return result();

  async function result() {
    return {
      deployedAtBlock,
      contracts: {
        NodeRegistry: await at(nodes),
        NodePresence: (await nodes.presences()) as Address,
        HostRegistry: await at(hosts),
        KnowledgeRegistry: await at(knowledge),
        ModelRegistry: await at(models),
        ParameterRegistry: await at(parameters),
        PublisherRegistry: (await parameters.publishers()) as Address,
        DirectiveRegistry: await at(directives),
        NodeGovernor: await at(governor),
        NodeTimelock: await at(timelock),
      },
    };
  }
}

const failed = async (deployment: Awaited<ReturnType<typeof deployWith>>) =>
  (await verifyDeployment(provider, deployment)).filter(({ ok }) => !ok);

describe("the verification of a deployment", () => {
  it("passes a DAO that nobody owns", async () => {
    const checks = await verifyDeployment(provider, await deployWith());
    expect(checks.filter(({ ok }) => !ok)).toEqual([]);
    expect(checks.map(({ check }) => check)).toContain("genesis is closed");
    expect(() => requireSafeDeployment(checks)).not.toThrow();
  });

  it.each([
    ["open-genesis", "genesis is closed"],
    ["acted-before", "nobody acted through the timelock before its hand-over"],
    ["deployer-is-admin", "the timelock alone has DEFAULT_ADMIN_ROLE"],
    ["second-proposer", "the governor alone has PROPOSER_ROLE"],
    ["anybody-executes", "the governor alone has EXECUTOR_ROLE"],
    ["issued-by-account", "DirectiveRegistry obeys the timelock"],
    ["foreign-members", "KnowledgeRegistry knows the nodes"],
    ["foreign-changes", "NodeChanges obeys the timelock"],
  ] as const)("finds %s", async (fault, check) => {
    const found = await failed(await deployWith(fault));
    expect(found.map((each) => each.check)).toEqual([check]);
    expect(() => requireSafeDeployment(found)).toThrow(expect.objectContaining({ code: "unsafe-deployment" }));
  });

  it("finds other code, an account without code, and asks such code nothing", async () => {
    const { contracts, deployedAtBlock } = await deployWith();
    const swapped = { ...contracts, ModelRegistry: contracts.ParameterRegistry };
    expect(await failed({ contracts: swapped, deployedAtBlock })).toMatchObject([
      { check: "ModelRegistry is the one of this version", found: `other code is at ${contracts.ParameterRegistry}` },
    ]);
    const absent = { ...contracts, NodeTimelock: stranger.address as Address };
    expect(await failed({ contracts: absent, deployedAtBlock })).toMatchObject([
      { found: `there is no contract at ${stranger.address}` },
    ]);
  });

  it("is not misled by an RPC node that leaves logs out once, or gives few at a time", async () => {
    const deployment = await deployWith();
    proxy.add(omitLogs(() => true, 1));
    proxy.add(smallRanges(3));
    expect((await verifyDeployment(proxied, deployment)).filter(({ ok }) => !ok)).toEqual([]);
  });

  it("says nothing of contracts while the RPC node is syncing", async () => {
    const deployment = await deployWith();
    proxy.add(syncing());
    await expect(verifyDeployment(proxied, deployment)).rejects.toMatchObject({ kind: "rpc-behind", retryable: true });
  });

  it("is not fooled by roles that are granted again after the block that the network file names", async () => {
    const { contracts } = await deployWith("granted-again");
    // From here on everything looks as after a hand-over.
    const deployedAtBlock = (await ethers.provider.getBlockNumber()) - 4 * 2 + 1;
    const found = await failed({ contracts, deployedAtBlock });
    expect(found.map(({ check }) => check)).toEqual(["the deployment is read from its beginning"]);
  });

  it("is not fooled by a first block that hides who was granted what", async () => {
    const { contracts } = await deployWith("second-proposer");
    const deployedAtBlock = await ethers.provider.getBlockNumber();
    expect((await failed({ contracts, deployedAtBlock })).map(({ check }) => check)).toContain(
      "the timelock alone has DEFAULT_ADMIN_ROLE",
    );
  });
});

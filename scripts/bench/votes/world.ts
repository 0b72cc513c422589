import type {
  DirectiveRegistry,
  INodeGovernor,
  NodeGovernor,
  NodeRegistry,
  NodeTimelock,
} from "../../../src/ports/chain/bindings/index.js";
import type { Address } from "../../../src/records/index.js";
import {
  deploy,
  deployTimelock,
  ethers,
  handOver,
  networkHelpers,
  rules,
  Share,
} from "../../../test/harness/contracts/deployGovernance.js";
import { type Call, directiveOf, Kind } from "../../../test/harness/contracts/governanceHelper.js";
import { admissionOf, type BenchNode } from "./committee.js";

const MINUTE = 60n;
const DAY = 86_400n;
export const ADMISSION_BATCH = 100;
/** Rules of Operations without a fast path, so that every turnout can vote; Emergency keeps its own. */
const SLOW = rules({ votingDelay: MINUTE, votingPeriod: DAY, timelock: 10n * MINUTE, expiry: 7n * DAY });
const CAREFUL = { ...SLOW, quorum: Share.half, approval: Share.twoThirds };
const EMERGENCY = rules({ votingPeriod: 60n * MINUTE, fastPath: true });

/** A committee under our governor and as many token holders under OpenZeppelin's, on one chain. */
export interface BenchWorld {
  readonly nodes: readonly BenchNode[];
  readonly registry: NodeRegistry;
  readonly directives: DirectiveRegistry;
  readonly governor: NodeGovernor;
  readonly peer: INodeGovernor;
  /** The calls that issue the same directive under each governor. */
  readonly ours: Call;
  readonly theirs: Call;
  /** Gas of each admission of {@link ADMISSION_BATCH} nodes. */
  readonly admissions: readonly bigint[];
}

export async function buildWorld(nodes: readonly BenchNode[], withPeer: boolean): Promise<BenchWorld> {
  const [deployer] = await ethers.getSigners();
  if (deployer === undefined) throw new Error("the network has no account");
  const timelock = await deployTimelock(deployer);
  const changes = await deploy("NodeChanges", [timelock]);
  const registry = await deploy<NodeRegistry>("NodeRegistry", [timelock, deployer, changes]);
  const directives = await deploy<DirectiveRegistry>("DirectiveRegistry", [timelock, registry]);
  const governor = await deploy<NodeGovernor>("NodeGovernor", [
    ...[registry, timelock, directives, ethers.ZeroAddress, ethers.ZeroAddress, ethers.ZeroAddress, 0n],
    [EMERGENCY, SLOW, CAREFUL, CAREFUL],
  ]);
  await handOver(timelock, await governor.getAddress(), deployer);

  const at = await registry.getAddress();
  const admissions: bigint[] = [];
  for (let first = 0; first < nodes.length; first += ADMISSION_BATCH) {
    const batch = nodes.slice(first, first + ADMISSION_BATCH).map((node) => admissionOf(node, at as Address));
    const receipt = await (await registry.admit(batch)).wait();
    if (batch.length === ADMISSION_BATCH) admissions.push(receipt?.gasUsed ?? 0n);
  }
  for (const { agent } of nodes) await unlock(agent);

  const peerTimelock = await deployTimelock(deployer);
  const peer = await buildPeer(withPeer ? nodes : nodes.slice(0, 1), peerTimelock);
  await handOver(peerTimelock, await peer.getAddress(), deployer);
  const peerDirectives = await deploy<DirectiveRegistry>("DirectiveRegistry", [peerTimelock, registry]);
  await networkHelpers.mine();

  const evidence = [ethers.id("evidence")];
  const data = directives.interface.encodeFunctionData("issue", [directiveOf({ kind: Kind.Deploy, evidence })]);
  return {
    ...{ nodes, registry, directives, governor, peer, admissions },
    ours: { target: await directives.getAddress(), data },
    theirs: { target: await peerDirectives.getAddress(), data },
  };
}

async function buildPeer(nodes: readonly BenchNode[], timelock: NodeTimelock): Promise<INodeGovernor> {
  const token = await deploy<{ admit(node: string): Promise<unknown> }>("PeerToken", []);
  for (const { agent } of nodes) await token.admit(agent);
  return deploy<INodeGovernor>("StockGovernor", [token, timelock, MINUTE, DAY, 33n]);
}

/** Lets the network send for an account without its signature, and gives it what gas costs. */
async function unlock(account: string): Promise<void> {
  await ethers.provider.send("hardhat_impersonateAccount", [account]);
  await ethers.provider.send("hardhat_setBalance", [account, "0x56bc75e2d63100000"]);
}

/** Sends a transaction as `from` and returns the gas that it used. */
export async function gasOf(from: string, to: string, data: string): Promise<number> {
  const hash: string = await ethers.provider.send("eth_sendTransaction", [{ from, to, data, gas: "0xffffff" }]);
  const receipt = await ethers.provider.send("eth_getTransactionReceipt", [hash]);
  if (receipt.status !== "0x1") throw new Error(`transaction ${hash} has failed`);
  return Number(receipt.gasUsed);
}

/** Sends a transaction that must revert and returns the gas that it used all the same. */
export async function gasOfRefusal(from: string, to: string, data: string): Promise<number> {
  // The network mines it, and refuses the call.
  await gasOf(from, to, data).then(
    () => {
      throw new Error("the transaction has not failed");
    },
    () => undefined,
  );
  const { transactions } = await ethers.provider.send("eth_getBlockByNumber", ["latest", true]);
  const sent = transactions.at(-1);
  const receipt = await ethers.provider.send("eth_getTransactionReceipt", [sent?.hash]);
  if (sent?.input !== data || receipt?.status !== "0x0")
    throw new Error("the transaction was not mined, or did not fail");
  return Number(receipt.gasUsed);
}

import type { SecretKey } from "@chainsafe/blst";
import { Wallet } from "ethers";
import { beforeEach, describe, expect, it } from "vitest";
import type { NodeGovernor, NodeRegistry, ParameterRegistry } from "../../../src/ports/chain/bindings/index.js";
import {
  aggregate,
  aggregateOver,
  type BallotsOfNodes,
  ballotContextOf,
  batchOf,
  bitmap,
  countOf,
  secretOfNode,
  signersOf,
} from "../../harness/contracts/ballots.js";
import { consentTo, signsWith } from "../../harness/contracts/consents.js";
import {
  DEFAULT_TRACKS,
  deploy,
  deployTimelock,
  ethers,
  handOver,
  networkHelpers,
  timelockSigner,
} from "../../harness/contracts/deployGovernance.js";
import { admissionOf } from "../../harness/contracts/eip2537.js";
import { GovernanceHelper, State } from "../../harness/contracts/governanceHelper.js";
import { revertOf } from "../../harness/contracts/reverts.js";
import { removeNodes, rotateAgent } from "../../harness/contracts/seats.js";

/** Two words of indices; admitted in batches of which the first fills a chunk of 211 keys and begins another. */
const BATCHES = [220, 80];
const SIZE = 300;
const ALL = Array.from({ length: SIZE }, (_, index) => index);
const DIGEST = ethers.id("any digest");
const NONE = ethers.ZeroHash;
const WALLETS = ALL.map((index) => new Wallet(ethers.id(`operator ${index}`)));

interface Many {
  governor: NodeGovernor;
  nodes: NodeRegistry;
  parameters: ParameterRegistry;
  /** The timelock's own account. */
  timelock: Awaited<ReturnType<typeof ethers.getSigner>>;
  /** The operator of node 0; of the others it is `WALLETS`. */
  proposer: Awaited<ReturnType<typeof ethers.getSigner>>;
}

async function deployMany(): Promise<Many> {
  const [proposer] = await ethers.getSigners();
  if (!proposer) throw new Error("the network has no accounts");
  const timelock = await deployTimelock(proposer);
  const changes = await deploy("NodeChanges", [timelock]);
  const nodes = await deploy<NodeRegistry>("NodeRegistry", [timelock, proposer, changes]);
  consentTo(await nodes.getAddress());
  for (const wallet of WALLETS) signsWith(wallet);
  const models = await deploy("ModelRegistry", [timelock]);
  const parameters = await deploy<ParameterRegistry>("ParameterRegistry", [timelock]);
  const directives = await deploy("DirectiveRegistry", [timelock, nodes]);
  const wiring = [nodes, timelock, directives, models, parameters, ethers.ZeroAddress, 0, DEFAULT_TRACKS];
  const governor = await deploy<NodeGovernor>("NodeGovernor", wiring);
  await handOver(timelock, await governor.getAddress(), proposer);

  const admissions = ALL.map((index) =>
    admissionOf(index === 0 ? proposer.address : walletOf(index).address, `key ${index}`),
  );
  let first = 0;
  for (const size of BATCHES) {
    await nodes.admit(admissions.slice(first, first + size));
    first += size;
  }
  await networkHelpers.mine();

  return { governor, nodes, parameters, timelock: await timelockSigner({ timelock }), proposer };
}

const secrets = new Map<number, SecretKey>();

function secretAt(index: number): SecretKey {
  const secret = secrets.get(index) ?? secretOfNode(index);
  secrets.set(index, secret);
  return secret;
}

function walletOf(index: number): Wallet {
  const wallet = WALLETS[index];
  if (!wallet) throw new Error(`there is no node ${index}`);
  return wallet;
}

/** A proposal whose vote has begun. */
async function open({ governor, parameters, proposer }: Many, name = "flag"): Promise<GovernanceHelper> {
  const data = parameters.interface.encodeFunctionData("setFlag", [ethers.encodeBytes32String(name), true]);
  const proposal = new GovernanceHelper(governor, [{ target: await parameters.getAddress(), data }]);
  await proposal.propose(proposer);
  await proposal.waitForStart();
  return proposal;
}

async function bring({ governor }: Many, proposal: GovernanceHelper, ballots: BallotsOfNodes): Promise<void> {
  const signature = aggregate(await ballotContextOf(governor, proposal.id), ballots, secretAt);
  await governor.castVotesByAggregate(proposal.id, signersOf(ballots), signature);
}

describe("A committee of three hundred", () => {
  let many: Many;
  beforeEach(async () => {
    many = await networkHelpers.loadFixture(deployMany);
  });

  it.each<[string, number[]]>([
    ["all", ALL],
    ["the last of the first chunk and the first of the second", [210, 211]],
    ["the first of the second chunk", [211]],
    ["the last of the first batch and the first of the second", [219, 220]],
    ["the last of the first word and the first of the second", [255, 256]],
    ["the very last", [299]],
    ["the first chunk", ALL.slice(0, 211)],
    ["all but the first chunk", ALL.slice(211)],
    ["the first word", ALL.slice(0, 256)],
    ["the second word", ALL.slice(256)],
    ["every other", ALL.filter((index) => index % 2 === 0)],
    ["every third", ALL.filter((index) => index % 3 === 0)],
    ["all but one", ALL.filter((index) => index !== 211)],
    ["all but those around the boundaries", ALL.filter((index) => ![210, 211, 219, 220, 255, 256].includes(index))],
  ])("adds up the keys of %s", async (_what, indices) => {
    const { nodes } = many;
    const epoch = await nodes.epoch();
    const signature = aggregateOver(DIGEST, indices.map(secretAt));
    const check = (claimed: number[]) => {
      const signers = { forBits: bitmap(claimed), againstBits: [], abstainBits: [] };
      return nodes.checkAggregate(epoch, 0, false, signers, DIGEST, NONE, signature);
    };
    expect([...(await check(indices))]).toEqual([BigInt(indices.length), 0n, 0n]);
    // Another node in the place of one is another sum; where all sign, one less.
    const other = ALL.find((index) => !indices.includes(index));
    const claimed = [...indices.slice(1), ...(other === undefined ? [] : [other])];
    expect(await revertOf(check(claimed))).toEqual(["NodeRegistryInvalidSignature"]);
  });

  it("is counted in two words a set, in parts and by both kinds of signature", async () => {
    const { governor } = many;
    const proposal = await open(many);
    const thirds = ALL.filter((index) => index % 3 === 0 && index < 290);
    const parts: BallotsOfNodes[] = [
      { for: thirds, against: [1, 211, 256], abstain: [2, 257, 299] },
      { for: [298], against: [5], abstain: [4, 220] },
      { against: [295, 296] },
    ];
    for (const ballots of parts) await bring(many, proposal, ballots);
    const signed = [7, 250, 254, 289, 290];
    const entries = signed.map((index) => ({ index, support: 2, voter: walletOf(index) }));
    await governor.castVotesBySig(proposal.id, await batchOf(await ballotContextOf(governor, proposal.id), entries));

    const voted = [...thirds, 1, 211, 256, 2, 257, 299, 298, 5, 4, 220, 295, 296, ...signed].sort((a, b) => a - b);
    expect(await countOf(governor, proposal.id, SIZE)).toEqual({
      for: BigInt(thirds.length + 1),
      against: 6n,
      abstain: 10n,
      voted,
    });
    const events = await governor.queryFilter(governor.filters.BallotsCounted);
    expect(events.map(({ args }) => [args.forBits, args.againstBits, args.abstainBits])).toEqual([
      ...parts.map((ballots) => Object.values(signersOf(ballots))),
      [[], [], bitmap(signed)],
    ]);
    expect(await governor.hasVoted(proposal.id, walletOf(298))).toBe(true);
    expect(await governor.hasVoted(proposal.id, walletOf(294))).toBe(false);

    // Nodes in both words that would vote again are left out, and a word without any other is no part of the event.
    const again = { for: [1, 256], abstain: [257] };
    expect(await revertOf(bring(many, proposal, again))).toEqual(["GovernorNothingNew", proposal.id]);
    await bring(many, proposal, { for: [10, 211], against: [1, 256, 294], abstain: [257] });
    await bring(many, proposal, { for: [8, 256] });
    const [first, second] = (await governor.queryFilter(governor.filters.BallotsCounted)).slice(-2);
    expect([first?.args.forBits, first?.args.againstBits, first?.args.abstainBits]).toEqual([
      bitmap([10]),
      bitmap([294]),
      [],
    ]);
    expect([second?.args.forBits, second?.args.againstBits, second?.args.abstainBits]).toEqual([bitmap([8]), [], []]);
  });

  it("ends a vote by one signature of two thirds, and not of one less", async () => {
    const [short, enough] = [await open(many, "short"), await open(many, "enough")];
    await bring(many, short, { for: ALL.slice(101) });
    await bring(many, enough, { for: ALL.slice(100) });
    expect(await short.votes()).toEqual({ for: 199n, against: 0n, abstain: 0n });
    expect(await short.state()).toBe(State.active);
    expect(await enough.votes()).toEqual({ for: 200n, against: 0n, abstain: 0n });
    expect(await enough.state()).toBe(State.succeeded);
  });

  it("knows no index beyond its last, in the last word or after it", async () => {
    const { nodes } = many;
    const epoch = await nodes.epoch();
    for (const [indices, refusal] of [
      [[300], ["NodeRegistryNotMembers", 1n, 1n << 44n]],
      [
        [0, 300, 511],
        ["NodeRegistryNotMembers", 1n, (1n << 44n) | (1n << 255n)],
      ],
      [[512], ["BitmapMalformed", 3n]],
    ] as const) {
      const signers = { forBits: bitmap(indices), againstBits: [], abstainBits: [] };
      const signature = aggregateOver(DIGEST, indices.map(secretAt));
      expect(await revertOf(nodes.checkAggregate(epoch, 0, false, signers, DIGEST, NONE, signature))).toEqual(refusal);
    }
  });

  it("loses nodes in either word and still adds up", async () => {
    const registry = many.nodes.connect(many.timelock);
    const before = await registry.epoch();
    await removeNodes(registry, [3, 210, 256]);
    await networkHelpers.time.increase(86_400);
    await rotateAgent(registry, 212, "key 300");
    await removeNodes(registry, [299]);

    const gone = [3, 210, 212, 256, 299];
    const left = [...ALL.filter((index) => !gone.includes(index)), 300];
    const epoch = await registry.epoch();
    expect(await registry.memberBits(before)).toEqual(bitmap(ALL));
    expect(await registry.memberBits(before + 1n)).toEqual(
      bitmap(ALL.filter((index) => ![3, 210, 256].includes(index))),
    );
    expect(await registry.memberBits(epoch)).toEqual(bitmap(left));
    for (const [at, indices] of [
      [before, ALL],
      [before, gone],
      [epoch, left],
      [epoch, left.filter((index) => index > 200)],
      [epoch, [300]],
    ] as const) {
      const signers = { forBits: bitmap(indices), againstBits: [], abstainBits: [] };
      const signature = aggregateOver(DIGEST, indices.map(secretAt));
      const counts = await registry.checkAggregate(at, 0, false, signers, DIGEST, NONE, signature);
      expect([...counts]).toEqual([BigInt(indices.length), 0n, 0n]);
    }
    const claimed = { forBits: bitmap(gone), againstBits: [], abstainBits: [] };
    const signature = aggregateOver(DIGEST, gone.map(secretAt));
    expect(await revertOf(registry.checkAggregate(epoch, 0, false, claimed, DIGEST, NONE, signature))).toEqual([
      "NodeRegistryNotMembers",
      0n,
      (1n << 3n) | (1n << 210n) | (1n << 212n),
    ]);
  });
});

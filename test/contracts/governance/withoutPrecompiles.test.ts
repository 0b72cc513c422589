import type { HardhatEthersSigner } from "@nomicfoundation/hardhat-ethers/types";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { admissionOf, G1_INFINITY, G2_INFINITY } from "../libraries/eip2537.js";
import {
  aggregate,
  aggregateOver,
  batchOf,
  bitmap,
  castBy,
  countOf,
  PATHS,
  pollOf,
  refusalOf,
  secretOfNode,
  signersOf,
} from "./aggregates.js";
import { ethers, freshWorld, networkHelpers, type World } from "./setting.js";
import { type Call, directiveOf, flagCall, issueCall, Kind, State, Story, Support } from "./story.js";

// The same world and the same stories on a chain of the hardfork before: Cancun has no EIP-2537.
vi.mock("hardhat", async (original) => {
  const { network } = await original<typeof import("hardhat")>();
  return { network: { create: () => network.create({ override: { hardfork: "cancun" } }) } };
});

const Report = { ready: 1n, done: 2n } as const;
const Status = { unknown: 0n, issued: 1n, done: 2n } as const;
const NO_PRECOMPILES = ["NodeRegistryNoPrecompiles"];
const EVERYBODY = [0, 1, 2, 3, 4];
/** What is left without aggregates. */
const PATHS_LEFT = PATHS.filter((path) => path !== "castVotesByAggregate");

let world: World;
beforeEach(async () => {
  world = await freshWorld();
});

function voter(index: number): HardhatEthersSigner {
  const found = world.operators[index];
  if (!found) throw new Error(`there is no node ${index}`);
  return found;
}

/** A proposal that takes ballots. */
async function opened(...calls: Call[]): Promise<Story> {
  const story = new Story(world.governor, calls);
  await story.propose(voter(0));
  await story.waitForStart();
  return story;
}

/** What `castVotesBySig` takes of these nodes, all of them For. */
async function batchFor(story: Story, indices: number[], accounts = indices.map(voter)): Promise<string> {
  const entries = indices.map((index, i) => ({ index, support: Support.for, voter: accounts[i] ?? voter(index) }));
  return batchOf(await pollOf(world.governor, story.id), entries);
}

/** Queues, waits and executes. */
async function enact(story: Story): Promise<void> {
  expect(await story.state()).toBe(State.succeeded);
  await story.queue();
  await story.waitForEta();
  await story.execute();
  expect(await story.state()).toBe(State.executed);
}

/** A directive that a batch of ballots has decided. */
async function issued(kind: number): Promise<string> {
  const story = await opened(await issueCall(world, { kind }));
  await world.governor.castVotesBySig(story.id, await batchFor(story, [0, 1, 2, 3]));
  await enact(story);
  return world.directives.directiveId(directiveOf({ kind }));
}

async function registryOfTimelock() {
  const address = await world.timelock.getAddress();
  await networkHelpers.impersonateAccount(address);
  await networkHelpers.setBalance(address, ethers.parseEther("10"));
  return world.nodes.connect(await ethers.getSigner(address));
}

describe("A chain without EIP-2537", () => {
  it("has nothing at the addresses of its precompiles", async () => {
    for (const address of [0x0b, 0x0c, 0x0d, 0x0e, 0x0f, 0x10, 0x11]) {
      const to = ethers.toBeHex(address, 20);
      expect(await ethers.provider.call({ to, data: `0x${"00".repeat(256)}` })).toBe("0x");
    }
  });

  it("carries the whole DAO, which says that it counts no aggregates", async () => {
    const { nodes, operators, ...contracts } = world;
    for (const contract of [nodes, contracts.governor, contracts.directives, contracts.models, contracts.parameters]) {
      expect(await ethers.provider.getCode(contract)).not.toBe("0x");
    }
    expect(await nodes.aggregates()).toBe(false);
    expect((await nodes.committee(1)).slice(1)).toEqual([5n, 5n]);
    expect(await nodes.memberBits(1)).toEqual([31n]);
    // Keys are kept; nothing adds them up.
    expect(await nodes.totalKey(1)).toBe(G1_INFINITY);
    for (const [index, { address }] of operators.entries()) {
      expect(await nodes.keyOf(index)).toBe(admissionOf(address, `key ${index}`).key);
      expect(await nodes.indexOf(address, 1)).toBe(BigInt(index));
    }
  });

  it("refuses every aggregate of ballots, though all of the committee has signed", async () => {
    const story = await opened(await flagCall(world));
    const poll = await pollOf(world.governor, story.id);
    for (const ballots of [{ for: EVERYBODY }, { for: [0], against: [1], abstain: [2] }, { abstain: [4] }, {}]) {
      const signatures = [G2_INFINITY, "0x", ...(Object.keys(ballots).length > 0 ? [aggregate(poll, ballots)] : [])];
      for (const signature of signatures) {
        const cast = world.governor.castVotesByAggregate(story.id, signersOf(ballots), signature);
        expect(await refusalOf(cast)).toEqual(NO_PRECOMPILES);
      }
    }
    expect(await countOf(world.governor, story.id, 5)).toEqual({ for: 0n, against: 0n, abstain: 0n, voted: [] });
  });

  it("has no fast lane, and a decision that is refused there can be opened slowly", async () => {
    const { governor } = world;
    const story = new Story(governor, [await issueCall(world, { kind: Kind.Restart })]);
    story.id = await governor.hashProposal(...story.operation());
    const ballots = { for: EVERYBODY };
    const [targets, values, calldatas] = story.operation();
    const signature = aggregate(await pollOf(governor, story.id), ballots);
    const decided = governor
      .connect(voter(0))
      .decide(targets, values, calldatas, story.description, signersOf(ballots), signature);
    expect(await refusalOf(decided)).toEqual(NO_PRECOMPILES);
    expect(await refusalOf(story.state())).toEqual(["GovernorNonexistentProposal", story.id]);

    await story.propose(voter(0));
    await story.waitForStart();
    await governor.castVotesBySig(story.id, await batchFor(story, [0, 1, 2, 3]));
    await enact(story);
    const id = await world.directives.directiveId(directiveOf({ kind: Kind.Restart }));
    expect(await world.directives.status(id)).toBe(Status.issued);
  });

  it("refuses reports that come together", async () => {
    const { directives } = world;
    const id = await issued(Kind.Restart);
    for (const [report, outcome] of [
      [Report.ready, ethers.ZeroHash],
      [Report.done, ethers.id("outcome")],
    ] as const) {
      const signature = aggregateOver(
        await directives.reportDigest(id, report, outcome),
        EVERYBODY.map((index) => secretOfNode(index)),
      );
      const reported = directives.reportByAggregate(id, report, outcome, bitmap(EVERYBODY), signature);
      expect(await refusalOf(reported)).toEqual(NO_PRECOMPILES);
      expect(await directives.attestations(id, report, outcome)).toBe(0n);
    }
    for (const operator of world.operators) expect(await directives.reportOf(id, operator)).toBe(0n);
    expect(await directives.status(id)).toBe(Status.issued);
  });
});

describe("Without aggregates", () => {
  it.each(PATHS_LEFT)("%s decides, the directive is issued, and reports enact it", async (path) => {
    const { governor, directives } = world;
    const story = await opened(await issueCall(world, { kind: Kind.Scale }));
    for (const index of [0, 1, 2, 3]) {
      await castBy(path, governor, story.id, { index, support: Support.for, voter: voter(index) });
    }
    expect(await countOf(governor, story.id, 5)).toEqual({ for: 4n, against: 0n, abstain: 0n, voted: [0, 1, 2, 3] });
    await enact(story);

    const id = await directives.directiveId(directiveOf({ kind: Kind.Scale }));
    expect(await directives.status(id)).toBe(Status.issued);
    for (const index of [0, 2, 4]) await directives.connect(voter(index)).report(id, Report.ready, ethers.ZeroHash);
    for (const index of [0, 2]) await directives.connect(voter(index)).report(id, Report.done, ethers.id("outcome"));
    expect(await directives.status(id)).toBe(Status.issued);
    await directives.connect(voter(4)).report(id, Report.done, ethers.id("outcome"));
    expect(await directives.status(id)).toBe(Status.done);
    expect(await directives.attestations(id, Report.done, ethers.id("outcome"))).toBe(3n);
  });

  it("all paths that are left add up to one tally", async () => {
    const { governor } = world;
    const story = await opened(await flagCall(world));
    const poll = await pollOf(governor, story.id);
    await governor.castVotesBySig(
      story.id,
      await batchOf(poll, [
        { index: 0, support: Support.against, voter: voter(0) },
        { index: 3, support: Support.abstain, voter: voter(3) },
      ]),
    );
    await castBy("castVote", governor, story.id, { index: 1, support: Support.for, voter: voter(1) });
    await castBy("castVoteBySig", governor, story.id, { index: 4, support: Support.for, voter: voter(4) });
    expect(await countOf(governor, story.id, 5)).toEqual({ for: 2n, against: 1n, abstain: 1n, voted: [0, 1, 3, 4] });
    await story.waitForEnd();
    await enact(story);
    expect(await world.parameters.flag(ethers.encodeBytes32String("learning.enabled"))).toBe(true);
  });

  it.each(PATHS_LEFT)("no node votes again after %s", async (first) => {
    const { governor } = world;
    const story = await opened(await flagCall(world));
    await castBy(first, governor, story.id, { index: 3, support: Support.for, voter: voter(3) });
    for (const path of PATHS_LEFT) {
      const again = castBy(path, governor, story.id, { index: 3, support: Support.against, voter: voter(3) });
      const batch = path === "castVotesBySig";
      expect(await refusalOf(again)).toEqual(
        batch ? ["GovernorBallotsOverlap", 0n, 8n] : ["GovernorAlreadyCastVote", voter(3).address],
      );
    }
    expect(await countOf(governor, story.id, 5)).toEqual({ for: 1n, against: 0n, abstain: 0n, voted: [3] });
  });
});

describe("Without aggregates, a committee", () => {
  it("admits, rotates and removes by vote, and what was opened before goes on", async () => {
    const { governor, nodes, stranger } = world;
    const target = await nodes.getAddress();
    const fresh = admissionOf(voter(2).address, "key 6");
    const open = await opened(await flagCall(world, "opened before"));
    const change = await opened(
      { target, data: nodes.interface.encodeFunctionData("admit", [[admissionOf(stranger.address, "key 5")]]) },
      { target, data: nodes.interface.encodeFunctionData("rotateKey", [2, fresh.key, fresh.possession]) },
      { target, data: nodes.interface.encodeFunctionData("remove", [[1]]) },
    );
    await governor.castVotesBySig(open.id, await batchFor(open, [1, 2]));
    await governor.castVotesBySig(change.id, await batchFor(change, EVERYBODY));
    await change.waitForEnd();
    await enact(change);

    expect(await nodes.epoch()).toBe(4n);
    expect((await nodes.committee(4)).slice(1)).toEqual([5n, 7n]);
    expect(await nodes.memberBits(1)).toEqual([0b0011111n]);
    expect(await nodes.memberBits(4)).toEqual([0b1111001n]);
    expect(await nodes.totalKey(4)).toBe(G1_INFINITY);
    expect([await nodes.keyOf(2), await nodes.keyOf(6)]).toEqual([
      admissionOf(voter(2).address, "key 2").key,
      fresh.key,
    ]);

    const later = await opened(await flagCall(world, "opened later"));
    for (const [gone, account] of [
      [1, voter(1)],
      [2, voter(2)],
    ] as const) {
      const refusal = ["NodeRegistryNotMembers", 0n, 1n << BigInt(gone)];
      const batch = await batchFor(later, [0, gone], [voter(0), account]);
      expect(await refusalOf(governor.castVotesBySig(later.id, batch))).toEqual(refusal);
    }
    const accounts = [voter(0), voter(3), stranger, voter(2)];
    await governor.castVotesBySig(later.id, await batchFor(later, [0, 3, 5, 6], accounts));
    await enact(later);
  });

  it("counts a ballot of a node that has left since, under the index that it had", async () => {
    const story = await opened(await flagCall(world));
    const registry = await registryOfTimelock();
    const fresh = admissionOf(voter(2).address, "key 5");
    await registry.rotateKey(2, fresh.key, fresh.possession);
    await registry.remove([1]);
    await world.governor.castVotesBySig(story.id, await batchFor(story, [0, 1, 2, 3]));
    await enact(story);
  });

  it("takes keys as they are, for there is no sum that a rogue key could enter, but each once and well formed", async () => {
    const { stranger } = world;
    const registry = await registryOfTimelock();
    const honest = admissionOf(stranger.address, "key 5");
    const invalid = ["NodeRegistryInvalidKey", ethers.keccak256(G1_INFINITY)];
    expect(await refusalOf(registry.admit([{ ...honest, key: G1_INFINITY }]))).toEqual(invalid);
    expect(await refusalOf(registry.rotateKey(2, G1_INFINITY, honest.possession))).toEqual(invalid);
    for (const key of [`${honest.key}00`, `0x${"ff".repeat(128)}`]) {
      const refusal = ["NodeRegistryInvalidKey", ethers.keccak256(key)];
      expect(await refusalOf(registry.admit([{ ...honest, key }]))).toEqual(refusal);
    }
    const { key } = admissionOf(voter(1).address, "key 1");
    const duplicate = ["NodeRegistryDuplicateKey", ethers.keccak256(key)];
    expect(await refusalOf(registry.admit([{ ...honest, key }]))).toEqual(duplicate);
    const short = { ...honest, possession: "0x" };
    expect(await refusalOf(registry.admit([short]))).toEqual(["NodeRegistryInvalidPossession", stranger.address]);

    // Nobody can check that it is a proof.
    const { possession } = admissionOf(voter(1).address, "another key");
    await registry.admit([{ ...honest, possession }]);
    expect(await registry.isMember(stranger, await registry.epoch())).toBe(true);
  });
});

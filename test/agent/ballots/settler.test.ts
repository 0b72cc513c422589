import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { Committees } from "../../../src/agent/aggregation/committees.js";
import { LatestView } from "../../../src/agent/aggregation/latestView.js";
import { leaderOrder } from "../../../src/agent/aggregation/leaders/leaderSchedule.js";
import { BackgroundJobs } from "../../../src/agent/backgroundJobs.js";
import { BallotPool } from "../../../src/agent/ballots/pool.js";
import { BallotSettler } from "../../../src/agent/ballots/settler.js";
import { AgentDefaults } from "../../../src/agent/defaults.js";
import type { Client, NodeBallot, NodeSummary, Proposal, Support } from "../../../src/client/index.js";
import { wordsOf } from "../../../src/ports/chain/bitset.js";
import { ChainError, ContractRevertError } from "../../../src/ports/chain/index.js";
import { KeyError } from "../../../src/ports/keys/index.js";
import type { Address } from "../../../src/records/index.js";
import { createLogger } from "../../../src/utils/logger.js";
import { stepped } from "../../harness/clock.js";

const STRAGGLERS_MS = 30_000;
const operatorOf = (index: number): Address => `0x${index.toString(16).padStart(40, "0")}`;
const nodeOf = (index: number): NodeSummary => ({
  ...{ index, operator: operatorOf(index), formerOperators: [], agent: operatorOf(index), peerId: "", key: "0x" },
  ...{ admittedAt: 1, removedAt: null, predecessor: null, active: true },
});
const rules = {
  ...{ epoch: 1, committeeSize: 5, presence: 0, counted: 5, neededFor: 3, fastPathFor: 3, approval: 30_000 },
  ...{ claim: false, timelock: 0, expiry: 0 },
};
/** A thousand seconds long: ballots wait for others until 200 are left. */
const proposal = {
  ...{ id: "7", state: "Active", rules, votes: { for: 0, against: 0, abstain: 0 }, start: 1_000, deadline: 2_000 },
} as Proposal;
const unopened = { ...proposal, built: { proposalId: "7" } } as Proposal;
const ballotOf = (index: number, support: Support = "for", length = 96): NodeBallot => ({
  ...{ proposalId: "7", index, support },
  signature: new Uint8Array(length).fill(1),
});
const revert = (errorName: string) => new ContractRevertError({ errorName, args: {}, contract: "NodeGovernor" });
const signal = new AbortController().signal;

/** A node at this place of the line, of a committee of five, unless said otherwise. */
async function open({ place = 0, tip = "pending", nodes = 5 }: { place?: number; tip?: string; nodes?: number } = {}) {
  const dir = await mkdtemp(join(tmpdir(), "witan-ballots-"));
  onTestFinished(() => rm(dir, { recursive: true, force: true }));
  const clock = stepped();
  const logs: { level: string; message: string; [field: string]: unknown }[] = [];
  const logger = createLogger("info", (text) => logs.push(JSON.parse(text)));
  const jobs = new BackgroundJobs(logger);
  const pool = await BallotPool.open({ dir, clock, onError: (error) => Promise.reject(error) });
  onTestFinished(() => pool.close());
  const latest = new LatestView(clock);
  const members = Array.from({ length: nodes }, (_, index) => nodeOf(index));
  const committees = new Committees(members);
  latest.update({ committees, chainTime: 1_000 });
  const state = {
    /** By node, as the chain has it. */
    voted: [] as number[],
    /** The seats that do not count in the proposal's presence, as far as this node knows. */
    suspended: [] as number[],
    reads: 0,
    /** What the next transactions are refused with. */
    refusals: [] as (() => Error)[],
    sent: [] as { readonly indices: readonly number[]; readonly opened: unknown }[],
    rechecked: [] as number[][],
  };
  const submit = async (parameters: { proposal?: unknown; ballots: readonly NodeBallot[] }) => {
    state.sent.push({ indices: parameters.ballots.map(({ index }) => index), opened: parameters.proposal });
    const refusal = state.refusals.shift()?.();
    if (refusal !== undefined) throw refusal;
    return { hash: "0x01", gasUsed: 5n };
  };
  const votedBits = async (_: string, position: number) => {
    state.reads += 1;
    return wordsOf(state.voted)[position] ?? 0n;
  };
  const client = {
    chain: { tip, read: (work: () => unknown) => work(), contracts: { governor: { votedBits } } },
    castVotes: submit,
    decideProposal: submit,
  } as unknown as Client;
  const line = leaderOrder("settle 7", committees.accounts()) as Address[];
  const settler = new BallotSettler({
    ...{ clock, jobs, logger, pool, latest, waitForMoreMs: STRAGGLERS_MS },
    nodes: [{ account: line[place] ?? "0x", client, blsSecret: new Uint8Array(32) }],
    counted: {
      has: (_, index) => !state.suspended.includes(index),
      refresh: async () => {
        state.suspended.push(4);
      },
    },
    recheck: async (ballots) => {
      state.rechecked.push(ballots.map(({ index }) => index));
      pool.forget("7", 4);
    },
  });
  return {
    ...{ clock, committees, latest, logs, pool, settler, state },
    add: (...ballots: NodeBallot[]) => ballots.forEach((ballot) => void pool.add(ballot)),
    async update(what = proposal, stop = signal) {
      settler.beginCycle();
      await settler.update(what, stop);
      await jobs.settled();
    },
    sent: () => state.sent.map(({ indices }) => indices),
  };
}

describe("ballots go to the chain", () => {
  it("in one transaction as soon as they decide, and not before", async () => {
    const { add, logs, sent, update } = await open();
    add(ballotOf(0), ballotOf(1));
    await update();
    expect(sent()).toEqual([]);
    add(ballotOf(2));
    await update();
    expect(sent()).toEqual([[0, 1, 2]]);
    expect(logs).toMatchObject([{ message: "settled ballots", why: "decided", ballots: 3, transaction: "0x01" }]);
  });

  it("once the first of them has waited for others long enough, whatever happens to the wall clock", async () => {
    const { add, clock, logs, sent, update } = await open();
    add(ballotOf(0));
    clock.pass(STRAGGLERS_MS - 1);
    clock.stepWall(10 * STRAGGLERS_MS);
    add(ballotOf(1, "against"));
    await update();
    expect(sent()).toEqual([]);
    clock.pass(1);
    await update();
    expect(sent()).toEqual([[0, 1]]);
    expect(logs).toMatchObject([{ why: "waited" }]);
  });

  it("as the vote's end nears, by the chain's time", async () => {
    const { add, committees, latest, logs, sent, update } = await open();
    add(ballotOf(0));
    latest.update({ committees, chainTime: 1_799 });
    await update();
    expect(sent()).toEqual([]);
    latest.update({ committees, chainTime: 1_800 });
    await update();
    expect([sent(), logs]).toMatchObject([[[0]], [{ why: "deadline" }]]);
  });

  it("with the opening of their proposal where nobody has opened it, but only if they pass it at once", async () => {
    const { add, clock, state, update } = await open();
    add(ballotOf(0), ballotOf(1));
    clock.pass(10 * STRAGGLERS_MS);
    await update(unopened);
    expect(state.sent).toEqual([]);
    add(ballotOf(2));
    await update(unopened);
    expect(state.sent).toEqual([{ indices: [0, 1, 2], opened: { proposalId: "7" } }]);
  });

  it("without those that count already or are of no member, and not at all while the node stops", async () => {
    const { add, sent, state, update } = await open();
    add(...[0, 1, 2, 3].map((index) => ballotOf(index)), ballotOf(9));
    state.voted = [1];
    await update(proposal, AbortSignal.abort());
    expect(sent()).toEqual([]);
    await update({ ...proposal, votes: { for: 1, against: 0, abstain: 0 } });
    expect(sent()).toEqual([[0, 2, 3]]);
  });

  it("without those of suspended seats, of which one would have all refused, and the rest decides", async () => {
    const { add, sent, state, update } = await open();
    add(...[0, 1, 2, 3].map((index) => ballotOf(index)));
    state.suspended = [1, 4];
    await update({ ...proposal, rules: { ...rules, presence: 1, counted: 3, neededFor: 2, fastPathFor: 2 } });
    expect(sent()).toEqual([[0, 2, 3]]);
  });

  it("by two thousand where operators sign: they do not add up", async () => {
    const size = 2_001;
    const { add, sent, update } = await open({ nodes: size });
    add(...Array.from({ length: size }, (_, index) => ballotOf(index, "for", 64)));
    await update({ ...proposal, rules: { ...rules, committeeSize: size, counted: size } });
    expect(sent().map(({ length }) => length)).toEqual([2_000]);
  });
});

describe("a node settles when it is its turn", () => {
  it.each([
    ["pending", AgentDefaults.openStepMs],
    ["latest", 20_000],
  ])("a step after the first where it reads the %s block", async (tip, stepMs) => {
    const { add, clock, sent, update } = await open({ place: 1, tip });
    add(...[0, 1, 2].map((index) => ballotOf(index)));
    await update();
    clock.pass(stepMs - 1);
    await update();
    expect(sent()).toEqual([]);
    clock.pass(1);
    await update();
    expect(sent()).toEqual([[0, 1, 2]]);
  });

  it("which begins anew where there was nothing to do in between, or the vote was forgotten", async () => {
    const { add, clock, sent, settler, state, update } = await open({ place: 1 });
    add(...[0, 1, 2].map((index) => ballotOf(index)));
    await update();
    clock.pass(AgentDefaults.openStepMs);
    state.voted = [0, 1, 2];
    await update();
    state.voted = [];
    await update();
    clock.pass(AgentDefaults.openStepMs);
    settler.forget("7");
    await update();
    expect(sent()).toEqual([]);
  });
});

describe("a refusal", () => {
  it("of a signature has all of them verified again, and the bad one is left out", async () => {
    const { add, sent, state, update } = await open();
    add(...[0, 1, 2, 4].map((index) => ballotOf(index)));
    state.refusals.push(() => revert("NodeRegistryInvalidSignature"));
    await update();
    expect(state.rechecked).toEqual([[0, 1, 2, 4]]);
    expect(sent().at(-1)).toEqual([0, 1, 2]);
  });

  it("of a seat that a reorganisation has suspended has who counts read again, once", async () => {
    const { add, sent, state, update } = await open();
    add(...[0, 1, 2, 4].map((index) => ballotOf(index)));
    state.refusals.push(() => revert("NodeRegistryNotMembers"));
    await update();
    expect([sent(), state.rechecked]).toEqual([
      [
        [0, 1, 2, 4],
        [0, 1, 2],
      ],
      [],
    ]);
  });

  it("for want of gas has half as many operators' signatures sent, until the chain takes them", async () => {
    const { add, sent, state, update } = await open({ nodes: 9 });
    add(...[0, 1, 2, 3, 4, 5, 6, 7].map((index) => ({ ...ballotOf(index), signature: new Uint8Array(64).fill(1) })));
    state.refusals.push(
      () => new ChainError("too-much-gas", "16.7 million"),
      () => revert("NoReason"),
    );
    await update();
    expect([sent().map(({ length }) => length), state.rechecked]).toEqual([[8, 4, 2], []]);
  });

  it.each<[string, number, () => Error]>([
    ["comes again though each signature is good", 2, () => revert("NodeRegistryInvalidSignature")],
    ["says that the signatures cancel out", 1, () => new KeyError("invalid-signature", "They cancel out.")],
  ])("that %s has the sides settled apart, the largest first", async (_, times, refusal) => {
    const { add, sent, state, update } = await open();
    add(ballotOf(3, "against"), ballotOf(0), ballotOf(1), ballotOf(2));
    for (let time = 0; time < times; time++) state.refusals.push(refusal);
    await update();
    expect(sent()).toEqual([...Array(times).fill([3, 0, 1, 2]), [0, 1, 2]]);
  });

  it.each([
    ["the vote has ended", "GovernorUnexpectedProposalState"],
    ["others were quicker, and all of the ballots count by now", "GovernorNothingNew"],
    ["the window of an unopened vote has passed", "GovernorWindowPassed"],
  ])("because %s is the end of it", async (_, errorName) => {
    const { add, logs, sent, state, update } = await open();
    add(...[0, 1, 2].map((index) => ballotOf(index)));
    state.refusals.push(() => revert(errorName));
    await update();
    expect([sent(), logs]).toEqual([[[0, 1, 2]], []]);
    expect(state.rechecked).toEqual([]);
  });

  it("that it does not know is told of, and the next update tries again", async () => {
    const { add, logs, sent, state, update } = await open();
    add(...[0, 1, 2].map((index) => ballotOf(index)));
    state.refusals.push(() => new Error("the line is broken"));
    await update();
    expect(logs).toMatchObject([{ level: "warn", reason: "the line is broken" }]);
    await update();
    expect([sent().length, logs.at(-2)]).toMatchObject([2, { message: "settled ballots" }]);
  });
});

it("reads who has voted once, by the highest word that was asked for, until it is told to forget", async () => {
  const { settler, state } = await open();
  state.voted = [3, 300];
  const ask = (...indices: number[]) => Promise.all(indices.map((index) => settler.hasVoted(proposal, index)));
  expect(await ask(3, 4, 255)).toEqual([true, false, false]);
  expect(state.reads).toBe(1);
  expect(await ask(300, 3, 301)).toEqual([true, true, false]);
  expect(state.reads).toBe(3);
  state.voted = [];
  expect(await ask(3)).toEqual([true]);
  settler.beginCycle();
  expect(await ask(3)).toEqual([false]);
});

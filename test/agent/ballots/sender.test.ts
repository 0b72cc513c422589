import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { Committees } from "../../../src/agent/aggregation/committees.js";
import { LatestView } from "../../../src/agent/aggregation/latestView.js";
import { BackgroundJobs } from "../../../src/agent/backgroundJobs.js";
import { decodeBallot } from "../../../src/agent/ballots/message.js";
import { OpenProposals } from "../../../src/agent/ballots/openProposals.js";
import { BallotPool } from "../../../src/agent/ballots/pool.js";
import { BallotSender } from "../../../src/agent/ballots/sender.js";
import { signNodeBallot } from "../../../src/agent/ballots/sign.js";
import type { Client, NodeSummary, Proposal, Support } from "../../../src/client/index.js";
import { ContractRevertError } from "../../../src/ports/chain/index.js";
import { blsPublicKey, loadBls } from "../../../src/ports/keys/index.js";
import type { Address } from "../../../src/records/index.js";
import { createLogger } from "../../../src/utils/logger.js";
import { stepped } from "../../harness/clock.js";

const bls = await loadBls();
const hour = 3_600_000;
const secretOf = (index: number) => new Uint8Array(32).fill(index + 1);
const keys = [0, 1, 2].map((index) => blsPublicKey(secretOf(index)));
const operatorOf = (index: number): Address => `0x${`a${index}`.repeat(20)}`;
const nodeOf = (index: number, change: Partial<NodeSummary> = {}): NodeSummary => ({
  ...{
    index,
    operator: operatorOf(index),
    formerOperators: [],
    agent: operatorOf(index),
    peerId: "",
    key: keys[index] ?? "0x",
  },
  ...{ admittedAt: 1, removedAt: null, predecessor: null, active: true, ...change },
});
/** A thousand seconds long: its last hundred are too late to wait for others. */
const proposal = { id: "7", state: "Active", rules: { epoch: 1 }, start: 1_000, deadline: 2_000 } as Proposal;
const decision = (support: Support = "for") => ({ proposalId: "7", support, reason: "because" });
const revert = (errorName: string) => new ContractRevertError({ errorName, args: {}, contract: "NodeGovernor" });

interface PlaceOptions {
  readonly nodes?: readonly NodeSummary[];
  readonly peers?: number;
}

/** The sender of node 0's ballots, with a mesh of so many peers and a chain that notes who votes there. */
async function open({ nodes = [nodeOf(0), nodeOf(1), nodeOf(2)], peers = 3 }: PlaceOptions = {}) {
  const dir = await mkdtemp(join(tmpdir(), "witan-ballots-"));
  onTestFinished(() => rm(dir, { recursive: true, force: true }));
  const clock = stepped();
  const logs: { level: string; message: string; [field: string]: unknown }[] = [];
  const logger = createLogger("info", (line) => logs.push(JSON.parse(line)));
  const jobs = new BackgroundJobs(logger);
  const pool = await BallotPool.open({ dir, clock, onError: (error) => Promise.reject(error) });
  onTestFinished(() => pool.close());
  const latest = new LatestView(clock);
  const committees = new Committees(nodes);
  latest.update({ committees, chainTime: 1_000 });
  const state = {
    peers,
    published: [] as Uint8Array[],
    counts: false,
    suspended: [] as number[],
    cast: [] as unknown[],
    refusal: null as unknown,
  };
  const client = {
    chain: { chainId: 31_337, addresses: { NodeGovernor: `0x${"60".repeat(20)}` } },
    castVote: async (ballot: unknown) => {
      state.cast.push(ballot);
      if (state.refusal !== null) throw state.refusal;
      return { hash: "0x01", gasUsed: 5n };
    },
  } as unknown as Client;
  const node = { account: operatorOf(0), client, blsSecret: secretOf(0) };
  const counted = { has: (_: unknown, index: number) => !state.suspended.includes(index) };
  const votes = new OpenProposals(client, clock, counted);
  votes.update([proposal]);
  const sender = new BallotSender({
    ...{ bls, clock, jobs, latest, logger, pool, nodes: [node], open: votes, topic: "t", aggregates: true },
    gossip: {
      subscribe: () => () => undefined,
      publish: async (_, bytes) => {
        state.published.push(bytes);
        return state.peers;
      },
    },
    hasVoted: async () => state.counts,
    counted,
  });
  return {
    ...{ clock, committees, latest, logs, pool, sender, state, votes },
    /** What node 0, or another, signs by its key, past the sender. */
    sign: (support: Support, index = 0) =>
      signNodeBallot({
        ...{ bls, aggregates: true, proposalId: "7", index, support },
        node: { ...node, blsSecret: secretOf(index) },
      }),
    async again() {
      await sender.sendAgain();
      await jobs.settled();
    },
  };
}

describe("a decision that is on disk", () => {
  it("is signed and sent to all nodes, once, and counts here as theirs do", async () => {
    const { logs, pool, sender, sign, state } = await open();
    await sender.send(proposal, decision("abstain"), operatorOf(0).toUpperCase().replace("0X", "0x") as Address);
    await sender.send(proposal, decision("abstain"), operatorOf(0));
    expect(state.published.map((bytes) => decodeBallot(bytes))).toEqual([await sign("abstain")]);
    expect(pool.get("7", 0)).toEqual(await sign("abstain"));
    expect([sender.has("7", 0), sender.has("7", 1), sender.proposals]).toEqual([true, false, ["7"]]);
    expect(logs).toMatchObject([
      { message: "voted", proposalId: "7", support: "abstain", reason: "because", peers: 3 },
    ]);
  });

  it("is not signed by a node of another process, or one that has no vote in the proposal's epoch", async () => {
    const { pool, sender, state } = await open({ nodes: [nodeOf(0, { admittedAt: 2 }), nodeOf(1)] });
    await sender.send(proposal, decision(), operatorOf(0));
    await sender.send(proposal, decision(), operatorOf(1));
    expect([state.published, sender.proposals, pool.list("7")]).toEqual([[], [], []]);
  });

  it("gives way to what the node's key has signed before: it never signs a second one", async () => {
    const { logs, pool, sender, sign, state } = await open();
    const heard = await sign("against");
    pool.add(heard);
    await sender.send(proposal, decision("for"), operatorOf(0));
    expect(state.published.map((bytes) => decodeBallot(bytes))).toEqual([heard]);
    expect(pool.equivocationOf("7", 0)).toBeUndefined();
    expect(logs).toMatchObject([
      { level: "error", index: 0, signed: "against" },
      { message: "voted", support: "against" },
    ]);
  });

  it("goes to the chain alone where others know another key of the node", async () => {
    const { again, logs, pool, sender, state } = await open({ nodes: [nodeOf(0, { key: keys[1] ?? "0x" })] });
    await sender.send(proposal, decision(), operatorOf(0));
    await again();
    expect([state.published, pool.list("7")]).toEqual([[], []]);
    expect(state.cast).toEqual([decision()]);
    expect(logs[0]).toMatchObject({ level: "warn", message: "this node's key is not the one that others know" });
  });
});

describe("a ballot that does not count yet", () => {
  it("is sent again every ten seconds, whatever happens to the wall clock", async () => {
    const { again, clock, sender, state } = await open();
    await sender.send(proposal, decision(), operatorOf(0));
    for (const step of [hour, -2 * hour]) {
      clock.stepWall(step);
      await again();
    }
    clock.pass(9_999);
    await again();
    expect(state.published).toHaveLength(1);
    clock.pass(1);
    await again();
    expect(state.published).toHaveLength(2);
    expect(state.cast).toEqual([]);
  });

  it("is cast directly, with its reason, once no peer has heard it for five seconds", async () => {
    const { again, clock, logs, sender, state } = await open({ peers: 0 });
    await sender.send(proposal, decision(), operatorOf(0));
    clock.pass(4_999);
    await again();
    expect(state.cast).toEqual([]);
    clock.pass(1);
    await again();
    expect(state.cast).toEqual([decision()]);
    expect(logs.at(-1)).toMatchObject({ message: "voted directly", why: "no peer hears", transaction: "0x01" });
  });

  it("is cast directly as the vote's end nears, by the chain's time", async () => {
    const { again, committees, latest, logs, sender, state } = await open();
    await sender.send(proposal, decision(), operatorOf(0));
    latest.update({ committees, chainTime: 1_899 });
    await again();
    expect(state.cast).toEqual([]);
    latest.update({ committees, chainTime: 1_900 });
    await again();
    expect(state.cast).toEqual([decision()]);
    expect(logs.at(-1)).toMatchObject({ message: "voted directly", why: "the vote ends soon" });
  });

  it("waits for its proposal where nobody has opened it: the chain would not know what it is for", async () => {
    const { again, clock, sender, state, votes } = await open({ peers: 0 });
    votes.update([{ ...proposal, built: {} } as Proposal]);
    await sender.send(proposal, decision(), operatorOf(0));
    clock.pass(2_000_000);
    await again();
    expect([state.cast.length, state.published.length]).toEqual([0, 2]);
  });

  it("is tried again where the chain could not be reached, and not where it refuses what is over", async () => {
    const { again, clock, logs, sender, state } = await open({ peers: 0 });
    await sender.send(proposal, decision(), operatorOf(0));
    clock.pass(5_000);
    for (const refusal of [
      new Error("the line is broken"),
      revert("GovernorAlreadyCastVote"),
      revert("GovernorUnexpectedProposalState"),
    ]) {
      state.refusal = refusal;
      await again();
    }
    expect(state.cast).toHaveLength(3);
    expect(logs.filter(({ level }) => level === "warn")).toMatchObject([{ reason: "the line is broken" }]);
    expect(logs.map(({ message }) => message)).not.toContain("voted directly");
  });
});

describe("a ballot that needs not be sent any more", () => {
  it("counts already, or its vote is not open", async () => {
    const { again, clock, sender, state, votes } = await open({ peers: 0 });
    await sender.send(proposal, decision(), operatorOf(0));
    clock.pass(hour);
    state.counts = true;
    await again();
    state.counts = false;
    votes.update([{ ...proposal, state: "Succeeded" }]);
    await again();
    votes.update([]);
    await again();
    expect([state.cast.length, state.published.length]).toEqual([0, 1]);
    // A reorganisation takes it back.
    votes.update([proposal]);
    await again();
    expect([state.cast.length, state.published.length]).toEqual([1, 2]);
  });

  it("is forgotten with its vote, and those on others are not", async () => {
    const { again, clock, sender, state, votes } = await open({ peers: 0 });
    const other = { ...proposal, id: "8" };
    votes.update([proposal, other]);
    await sender.send(proposal, decision(), operatorOf(0));
    await sender.send(other, { ...decision("against"), proposalId: "8" }, operatorOf(0));
    sender.forget("7");
    expect([sender.has("7", 0), sender.proposals]).toEqual([false, ["8"]]);
    clock.pass(hour);
    await again();
    expect(state.cast).toEqual([{ ...decision("against"), proposalId: "8" }]);
  });
});

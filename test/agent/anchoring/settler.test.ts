import { describe, expect, it } from "vitest";
import { Committees } from "../../../src/agent/aggregation/committees.js";
import { leaderOrder } from "../../../src/agent/aggregation/leaders/leaderSchedule.js";
import { decodeMessage } from "../../../src/agent/anchoring/message.js";
import { AnchoringPool, type Draft } from "../../../src/agent/anchoring/pool.js";
import { AnchoringSettler } from "../../../src/agent/anchoring/settler.js";
import { BackgroundJobs } from "../../../src/agent/backgroundJobs.js";
import type { Client } from "../../../src/client/index.js";
import { ContractRevertError } from "../../../src/ports/chain/index.js";
import { createMemoryContent } from "../../../src/ports/content/index.js";
import { contentIdToCid, decodeJointManifest, type SignedBatch } from "../../../src/records/index.js";
import { systemClock } from "../../../src/utils/clock.js";
import { createLogger } from "../../../src/utils/logger.js";
import {
  authorAt,
  batchBy,
  CHAIN_TIME,
  draftOver,
  idOf,
  operatorAt,
  registry,
  signedUnder,
  viewOfMembers,
} from "../../harness/anchoringAuthors.js";
import { stepped } from "../../harness/clock.js";

const GATHER_MS = 1_000;
/** Long enough for the turn of every node. */
const ALL_TURNS_MS = 60_000;
const batches = await Promise.all([0, 1, 2, 3, 4].map((index) => batchBy(index)));

/** The settler of one of five nodes; three batches pay. Its client is plain: what the chain lists, and how it answers. */
function open({ self = 0 } = {}) {
  const clock = stepped();
  const pool = new AnchoringPool(clock, registry);
  const latest = viewOfMembers(5, clock);
  const logs: { message: string }[] = [];
  const logger = createLogger("debug", (line) => logs.push(JSON.parse(line)));
  // A test does not wait until what failed is tried again.
  const jobs = new BackgroundJobs(logger, systemClock, 0);
  const content = createMemoryContent();
  const chain = { entries: [] as object[], sent: [] as object[], refusal: undefined as Error | undefined };
  const client = {
    chain: { tip: "pending" },
    content,
    listAnchors: async () => ({ entries: chain.entries }),
    async anchorJointly(joint: object) {
      chain.sent.push(joint);
      if (chain.refusal !== undefined) throw chain.refusal;
      return { hash: "0x", gasUsed: 1n };
    },
  } as unknown as Client;
  const published: Uint8Array[] = [];
  const drafted: Draft[] = [];
  const settler = new AnchoringSettler({
    node: { account: operatorAt(self), client, blsSecret: new Uint8Array(32) },
    context: registry,
    topic: "anchoring",
    gossip: { publish: async (_topic, bytes) => published.push(bytes), subscribe: () => () => undefined },
    gatherMs: GATHER_MS,
    minAuthors: 3,
    onDraft: (draft) => drafted.push(draft),
    ...{ clock, pool, latest, jobs, logger },
  });
  return {
    ...{ clock, pool, latest, settler, content, chain, published, drafted, logs },
    wait(...of: readonly SignedBatch[]) {
      for (const batch of of) pool.addBatch(batch);
    },
    /** Drafts once now, and once after every node has had its turn. */
    async draftInTurn() {
      await settler.draft();
      for (let step = 0; step < 8; step++) {
        clock.pass(ALL_TURNS_MS / 8);
        settler.beginCycle();
        await settler.draft();
      }
    },
    async settleInTurn() {
      for (let step = 0; step < 8; step++) {
        settler.beginCycle();
        await settler.settle();
        await jobs.settled();
        clock.pass(ALL_TURNS_MS / 8);
      }
    },
  };
}

/** The task of drafting now: the first group's, in this minute of the chain. */
const task = `draft 0 ${Math.floor(CHAIN_TIME / 60)}`;

/** The settler of the node that may act first on a task. */
const openLeader = (of: string) => open({ self: inTurn(of, 0) });

/** The index of the node whose turn it is as the first, or as a later one. */
function inTurn(of: string, position: number): number {
  const operators = [0, 1, 2, 3, 4].map(operatorAt);
  const operator = leaderOrder(of, operators).at(position);
  return operators.findIndex((each) => each.toLowerCase() === operator);
}

describe("a settler's draft", () => {
  it("is over the batches that wait, and can be read, fetched and signed by their authors", async () => {
    const { content, draftInTurn, drafted, latest, pool, published, wait } = open();
    wait(...batches);
    await draftInTurn();
    const [message] = published.map(decodeMessage);
    if (message?.type !== "draft") throw new Error("no draft was published");
    const { message: expected, manifest } = draftOver(batches);
    expect({ ...message.draft, deadline: 0 }).toEqual({ ...expected, deadline: 0 });
    // It stands for a minute of the chain's time.
    expect(message.draft.deadline).toBeGreaterThanOrEqual(CHAIN_TIME + 60);
    expect(message.draft.deadline).toBeLessThanOrEqual(latest.chainTime() + 60);
    expect(decodeJointManifest(await content.get(contentIdToCid(message.draft.manifest)))).toEqual(manifest);
    expect(drafted).toEqual([pool.draftOf(message.draft)]);
    expect(drafted[0]?.from).toBeUndefined();
  });

  it("is not made of fewer batches than pay, however long they wait", async () => {
    const { draftInTurn, published, wait } = open();
    wait(...batches.slice(0, 2));
    await draftInTurn();
    expect(published).toEqual([]);
  });

  it("is made at once of all members' batches, and otherwise once the oldest has waited", async () => {
    const whole = openLeader(task);
    whole.wait(...batches);
    await whole.settler.draft();
    expect(whole.published).toHaveLength(1);

    const part = openLeader(task);
    part.wait(...batches.slice(0, 4));
    part.clock.pass(GATHER_MS - 1);
    await part.settler.draft();
    expect(part.published).toEqual([]);
    part.clock.pass(1);
    await part.settler.draft();
    expect(part.published).toHaveLength(1);
  });

  it("is made by the leader first: the node whose turn is last waits for the others", async () => {
    const { draftInTurn, published, settler, wait } = open({ self: inTurn(task, -1) });
    wait(...batches);
    await settler.draft();
    expect(published).toEqual([]);
    await draftInTurn();
    expect(published).toHaveLength(1);
  });

  it("is not made of batches that are in a draft already", async () => {
    const { draftInTurn, pool, published, wait } = open();
    wait(...batches);
    // The other two do not pay.
    const { manifest, message } = draftOver(batches.slice(0, 3));
    pool.addDraft(message, "peer 1").manifest = manifest;
    await draftInTurn();
    expect(published).toEqual([]);
  });

  it("is not made of the batches of strangers", async () => {
    const { draftInTurn, published, wait } = open();
    wait(...batches.slice(0, 2), await batchBy(7));
    await draftInTurn();
    expect(published).toEqual([]);
  });
});

describe("a signed draft", () => {
  const { id, manifest, message } = draftOver(batches);
  const signedBy = (draft: Draft, ...indices: readonly number[]) => {
    draft.manifest = manifest;
    for (const index of indices) draft.signatures.set(index, signedUnder(message, index));
  };

  it("goes to the chain with its signatures, and is known no more", async () => {
    const { chain, pool, settleInTurn } = open();
    signedBy(pool.addDraft(message, "peer 1"), 0, 1, 2, 3, 4);
    await settleInTurn();
    const signatures = [0, 1, 2, 3, 4].map((index) => signedUnder(message, index));
    expect([chain.sent, pool.drafts]).toEqual([[{ ...message, signatures }], []]);
  });

  it("goes at once if all have signed, and after twice the gathering time if enough have", async () => {
    const all = openLeader(`anchor ${id}`);
    signedBy(all.pool.addDraft(message, "peer 1"), 0, 1, 2, 3, 4);
    await all.settler.settle();
    expect(all.chain.sent).toHaveLength(1);

    const some = openLeader(`anchor ${id}`);
    signedBy(some.pool.addDraft(message, "peer 1"), 0, 1, 2);
    some.clock.pass(2 * GATHER_MS - 1);
    await some.settler.settle();
    expect(some.chain.sent).toEqual([]);
    some.clock.pass(1);
    await some.settler.settle();
    expect(some.chain.sent).toHaveLength(1);
  });

  it("does not go with fewer signatures than pay", async () => {
    const { chain, pool, settleInTurn } = open();
    signedBy(pool.addDraft(message, "peer 1"), 0, 1);
    await settleInTurn();
    expect([chain.sent, pool.drafts.length]).toEqual([[], 1]);
  });

  it("goes with the others where one author was anchored alone early", async () => {
    const { chain, pool, settleInTurn, settler } = open();
    const draft = pool.addDraft(message, "peer 1");
    chain.entries = [{ author: operatorAt(2), root: idOf("x"), joint: message }];
    expect([await settler.update(), pool.drafts]).toEqual([[], [draft]]);
    signedBy(draft, 0, 1, 2, 3, 4);
    await settleInTurn();
    const signatures = [0, 1, 3, 4].map((index) => signedUnder(message, index));
    expect([chain.sent, pool.drafts]).toEqual([[{ ...message, signatures }], []]);
  });

  it("goes on with who signs later: two more of five pay, and one does not", async () => {
    const { chain, pool, settleInTurn } = open();
    const draft = pool.addDraft(message, "peer 1");
    signedBy(draft, 0, 1);
    await settleInTurn();
    signedBy(draft, 2);
    await settleInTurn();
    expect(chain.sent).toHaveLength(1);
    signedBy(draft, 3, 4);
    await settleInTurn();
    const signatures = [3, 4].map((index) => signedUnder(message, index));
    expect(chain.sent[1]).toEqual({ ...message, signatures });
    expect([chain.sent.length, pool.drafts]).toEqual([2, []]);
  });

  it("is not sent again where the registry has all of its authors", async () => {
    const { chain, logs, pool, settleInTurn } = open();
    chain.refusal = new ContractRevertError({
      ...{ errorName: "KnowledgeRegistryNothingNew", args: {}, contract: "KnowledgeRegistry" },
    });
    signedBy(pool.addDraft(message, "peer 1"), 0, 1, 2, 3);
    await settleInTurn();
    expect([chain.sent.length, pool.drafts.length, logs]).toEqual([1, 1, []]);
  });

  it.each(["KnowledgeRegistryLapsed", "KnowledgeRegistryPastEpoch"])(
    "is over if the registry answers %s",
    async (errorName) => {
      const { chain, logs, pool, settleInTurn } = open();
      chain.refusal = new ContractRevertError({ errorName, args: {}, contract: "KnowledgeRegistry" });
      signedBy(pool.addDraft(message, "peer 1"), 0, 1, 2, 3, 4);
      await settleInTurn();
      expect([chain.sent.length, pool.drafts, logs]).toEqual([1, [], []]);
    },
  );

  it("is tried again after any other failure", async () => {
    const { chain, pool, settleInTurn } = open();
    chain.refusal = new Error("the RPC is away");
    signedBy(pool.addDraft(message, "peer 1"), 0, 1, 2, 3, 4);
    await settleInTurn();
    expect(chain.sent.length).toBeGreaterThan(1);
    expect(pool.drafts).toHaveLength(1);
    chain.refusal = undefined;
    await settleInTurn();
    expect(pool.drafts).toEqual([]);
  });
});

describe("an update", () => {
  const { id, message } = draftOver(batches);

  it("asks the chain nothing while nothing waits", async () => {
    const { chain, settler } = open();
    Object.defineProperty(chain, "entries", { get: () => expect.unreachable() });
    expect(await settler.update()).toEqual([]);
  });

  it("forgets batches that are anchored, alone or with others, and tells their roots", async () => {
    const { chain, pool, settler, wait } = open();
    wait(...batches.slice(0, 3));
    const [first, second, third] = batches;
    chain.entries = [
      { author: first?.author, root: first?.root, joint: null },
      { author: second?.author.toLowerCase(), root: second?.root, joint: draftOver(batches.slice(0, 2)).message },
      // The root of one author's batch in the name of another.
      { author: first?.author, root: third?.root, joint: null },
    ];
    expect(await settler.update()).toEqual([first?.root, second?.root]);
    expect(pool.batches.map(({ batch }) => batch.root)).toEqual([third?.root]);
    expect(first && pool.isAnchored(first)).toBe(true);
  });

  it("forgets the batches of nodes that are no members any more", async () => {
    const { latest, pool, settler, wait } = open();
    wait(...batches.slice(0, 2));
    const members = [authorAt(0), authorAt(1, { removedAt: 2 }), authorAt(2)];
    latest.update({ committees: new Committees(members), chainTime: CHAIN_TIME });
    await settler.update();
    expect(pool.batches.map(({ batch }) => batch.author)).toEqual([operatorAt(0)]);
  });

  it("keeps a draft up to the last second of its deadline, and ends it afterwards", async () => {
    const { clock, pool, settler } = open();
    pool.addDraft(message, "peer 1");
    clock.pass(60_000);
    expect([await settler.update(), pool.drafts.length]).toEqual([[], 1]);
    clock.pass(1);
    expect([await settler.update(), pool.drafts.length]).toEqual([[id], 0]);
  });

  it("ends a draft whose authors are all anchored, or that is of a committee that has changed since", async () => {
    const { chain, pool, settler } = open();
    const changed = { ...message, epoch: 2, root: idOf("another") };
    pool.addDraft(message, "peer 1");
    const other = pool.addDraft(changed, "peer 1");
    chain.entries = [0, 1, 2, 3, 4].map((index) => ({ author: operatorAt(index), root: idOf("x"), joint: message }));
    expect(await settler.update()).toEqual([id, other.id]);
    expect(pool.drafts).toEqual([]);
  });
});

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { type AnchoringMessage, decodeMessage } from "../../../src/agent/anchoring/message.js";
import { AnchoringPool } from "../../../src/agent/anchoring/pool.js";
import { AnchoringSender } from "../../../src/agent/anchoring/sender.js";
import { BackgroundJobs } from "../../../src/agent/backgroundJobs.js";
import { Outbox } from "../../../src/agent/outbox/outbox.js";
import type { QueuedRecord } from "../../../src/agent/outbox/state.js";
import type { SigningState } from "../../../src/agent/signing/signingGuard.js";
import type { Client } from "../../../src/client/index.js";
import { type JointMessage, jointTree } from "../../../src/ports/chain/index.js";
import { createMemoryContent } from "../../../src/ports/content/index.js";
import { contentIdToCid, encodeJointManifest, type SignedBatch } from "../../../src/records/index.js";
import { createLogger } from "../../../src/utils/logger.js";
import {
  batchBy,
  bls,
  blsSecretOf,
  CHAIN_TIME,
  draftOver,
  idOf,
  operatorAt,
  registry,
  signedUnder,
  viewOfMembers,
} from "../../harness/anchoringAuthors.js";
import { stepped } from "../../harness/clock.js";
import { stateOf } from "../../harness/records.js";

const GATHER_MS = 2_000;
const SELF = 0;
const others = await Promise.all([1, 2].map((index) => batchBy(index)));

/** The sender of one of three nodes, over an outbox on disk and a chain that is a list. */
async function open(guard?: { state: SigningState }) {
  const dir = await mkdtemp(join(tmpdir(), "witan-sender-"));
  onTestFinished(() => rm(dir, { recursive: true, force: true }));
  const clock = stepped();
  const logger = createLogger("silent", () => undefined);
  const jobs = new BackgroundJobs(logger);
  const pool = new AnchoringPool(clock, registry);
  const content = createMemoryContent();
  const chain = { entries: [] as object[] };
  /** The batches that this node anchored in a transaction of its own. */
  const alone: (readonly QueuedRecord[])[] = [];
  const sign = ([record]: readonly QueuedRecord[]) => batchBy(SELF, record?.cid);
  const outbox = await Outbox.open(join(dir, "outbox.jsonl"), {
    put: (bytes) => content.put(bytes),
    sign,
    async anchor(records) {
      alone.push(records);
      return { root: (await sign(records)).root, transactionHash: idOf("alone"), blockNumber: 9 };
    },
    standingOf: async () => "waiting",
  });
  onTestFinished(() => outbox.close());
  const client = {
    content,
    listAnchors: async () => ({ entries: chain.entries }),
  } as unknown as Client;
  const sent: (AnchoringMessage | undefined)[] = [];
  let signings = 0;
  const make = () =>
    new AnchoringSender({
      node: { account: operatorAt(SELF), client, blsSecret: blsSecretOf(SELF) },
      context: registry,
      topic: "anchoring",
      gossip: {
        publish: async (_topic, bytes) => {
          sent.push(decodeMessage(bytes));
          return 2;
        },
        subscribe: () => () => undefined,
      },
      gatherMs: GATHER_MS,
      guard,
      onSigned: () => {
        signings += 1;
      },
      latest: viewOfMembers(3, clock),
      ...{ clock, logger, jobs, pool, outbox, bls },
    });
  const sender = make();
  return {
    ...{ clock, pool, content, chain, outbox, sender, sent, alone, jobs, make },
    signings: () => signings,
    /** Writes a state and offers it; its batch. */
    async offer(cycle = 1): Promise<SignedBatch> {
      await outbox.submit("State", stateOf(operatorAt(SELF), cycle));
      await sender.offer();
      const batch = await outbox.signOffered();
      if (batch === undefined) throw new Error("nothing is offered");
      return batch;
    },
    /** Hears of a draft over these batches, whose manifest a peer has stored. */
    async hear(batches: readonly SignedBatch[], change: Partial<JointMessage> = {}) {
      const { block, message } = draftOver(batches, change);
      await content.put(block.bytes);
      return pool.addDraft(message, "peer 1");
    },
    async update(isOpen = true) {
      await sender.update(isOpen);
      await jobs.settled();
    },
  };
}

describe("an offer", () => {
  it("sends this node's states as one signed batch, which waits with the others'", async () => {
    const { offer, pool, sent, update } = await open();
    const batch = await offer();
    expect(sent).toEqual([{ type: "batch", batch }]);
    expect(pool.batchOf(operatorAt(SELF))?.batch).toEqual(batch);
    await update();
    expect(sent).toHaveLength(1);
  });

  it("sends nothing without a state, and no second batch while one is offered", async () => {
    const { offer, outbox, sender, sent } = await open();
    await sender.offer();
    expect(sent).toEqual([]);
    await offer();
    await outbox.submit("State", stateOf(operatorAt(SELF), 2));
    await sender.offer();
    expect(sent).toHaveLength(1);
  });

  it("is sent again every ten seconds, and by a node that was started again", async () => {
    const { clock, make, offer, sent, update } = await open();
    const message = { type: "batch", batch: await offer() };
    clock.pass(9_999);
    await update();
    expect(sent).toEqual([message]);
    clock.pass(1);
    await update();
    expect(sent).toEqual([message, message]);
    await make().update(true);
    expect(sent).toEqual([message, message, message]);
  });

  it("ends with the anchor that the chain lists, alone or with others", async () => {
    const { chain, offer, outbox, update } = await open();
    for (const [cycle, joint] of [null, draftOver(others).message].entries()) {
      const batch = await offer(cycle);
      chain.entries = [{ ...batch, transactionHash: idOf("t"), blockNumber: 4, joint }];
      await update();
      expect([outbox.offered, outbox.waiting, outbox.unsettled]).toEqual([undefined, 0, 1 + cycle]);
    }
  });

  it("is not ended by another's anchor of the same root", async () => {
    const { chain, offer, outbox, update } = await open();
    const { root } = await offer();
    chain.entries = [{ author: operatorAt(1), root, transactionHash: idOf("t"), blockNumber: 4, joint: null }];
    await update();
    expect(outbox.offered?.root).toBe(root);
  });

  it("is anchored alone if there are too few nodes", async () => {
    const { alone, offer, outbox, update } = await open();
    await offer();
    await update(false);
    expect([alone.length, outbox.offered, outbox.waiting]).toEqual([1, undefined, 0]);
  });

  it("is anchored alone after eight gathering times without a draft, and not before", async () => {
    const { alone, clock, offer, update } = await open();
    await offer();
    clock.pass(8 * GATHER_MS - 1);
    clock.stepWall(3_600_000);
    await update();
    expect(alone).toEqual([]);
    clock.pass(1);
    await update();
    expect(alone).toHaveLength(1);
  });
});

describe("a draft that holds this node's batch", () => {
  it("is signed: the others hear it, and the journal has it", async () => {
    const { hear, offer, outbox, sender, sent, signings } = await open();
    const draft = await hear([await offer(), ...others]);
    const { message } = draft;
    await sender.consider(draft);
    const signed = signedUnder(message, SELF);
    expect(sent.at(-1)).toEqual({ type: "signature", signed });
    expect(draft.signatures.get(SELF)).toEqual(signed);
    expect(draft.manifest?.batches).toHaveLength(3);
    expect(outbox.offered?.signed).toEqual({ id: draft.id, index: SELF, deadline: message.deadline });
    expect(signings()).toBe(1);
  });

  it("is signed without its manifest being fetched where the same batches are known, and the manifest is stored", async () => {
    const { content, offer, outbox, pool, sender } = await open();
    const { id, message } = draftOver([await offer(), ...others]);
    for (const batch of others) pool.addBatch(batch);
    const cid = contentIdToCid(message.manifest);
    expect(await content.has(cid)).toBe(false);
    await sender.consider(pool.addDraft(message, "peer 1"));
    expect(outbox.offered?.signed?.id).toBe(id);
    // Readers find it here: all of its authors keep it.
    expect(await content.has(cid)).toBe(true);
  });

  it("is the only one that is signed, since both might be anchored", async () => {
    const { hear, offer, outbox, sender, sent } = await open();
    const own = await offer();
    const [first, second] = [await hear([own, ...others]), await hear([own, ...others.slice(1)])];
    await Promise.all([sender.consider(first), sender.consider(second)]);
    await sender.consider(second);
    expect(sent.filter((message) => message?.type === "signature")).toHaveLength(1);
    expect([first, second].filter(({ id }) => id === outbox.offered?.signed?.id)).toHaveLength(1);
  });

  it("is not signed if it lapsed or is of another epoch", async () => {
    const { hear, offer, outbox, sender } = await open();
    const own = await offer();
    await sender.consider(await hear([own, ...others], { deadline: CHAIN_TIME }));
    await sender.consider(await hear([own, ...others], { epoch: 2 }));
    expect(outbox.offered?.signed).toBeNull();
  });

  it("is signed also after another author has anchored it alone: it joins", async () => {
    const { chain, hear, offer, outbox, sender, update } = await open();
    const draft = await hear([await offer(), ...others]);
    const [early] = others;
    chain.entries = [{ ...early, transactionHash: idOf("t"), blockNumber: 4, joint: draft.message }];
    await update();
    await sender.consider(draft);
    expect(outbox.offered?.signed?.id).toBe(draft.id);
  });

  it("is not signed if it has the batch at another's index, where the contract does not look", async () => {
    const { content, offer, outbox, pool, sender } = await open();
    const own = await offer();
    const batches = [
      { ...own, index: 1 },
      { ...(others[0] as SignedBatch), index: 2 },
    ];
    const block = encodeJointManifest({ schema: "witan/batches/1", batches });
    await content.put(block.bytes);
    const { message } = draftOver([own, ...others]);
    const { root } = jointTree(registry, { batches });
    await sender.consider(pool.addDraft({ ...message, root, batches: 2, manifest: block.contentId }, "peer 1"));
    expect(outbox.offered?.signed).toBeNull();
  });

  it("is not signed if it says something else of the batch", async () => {
    const { hear, offer, outbox, sender } = await open();
    const own = await offer();
    for (const change of [{ count: 2 }, { manifest: idOf("another") }, { root: idOf("another") }]) {
      await sender.consider(await hear([{ ...own, ...change }, ...others]));
    }
    await sender.consider(await hear(others));
    expect(outbox.offered?.signed).toBeNull();
  });

  it("is not signed, nor its manifest believed, if that is not what the draft says", async () => {
    const { hear, offer, outbox, sender } = await open();
    const own = await offer();
    const draft = await hear([own, ...others], { root: idOf("another root") });
    await expect(sender.consider(draft)).rejects.toMatchObject({ code: "invalid-record" });
    const fewer = await hear([own, ...others], { batches: 2 });
    await expect(sender.consider(fewer)).rejects.toMatchObject({ code: "invalid-record" });
    expect([draft.manifest, fewer.manifest, outbox.offered?.signed]).toEqual([undefined, undefined, null]);
  });
});

describe("a batch whose draft was signed", () => {
  it("is not anchored alone before the draft's deadline and five seconds have passed", async () => {
    const { alone, clock, hear, offer, outbox, sender, update } = await open();
    await sender.consider(await hear([await offer(), ...others]));
    clock.pass(65_000);
    await update();
    await update(false);
    expect([alone, outbox.offered === undefined]).toEqual([[], false]);
    clock.pass(1);
    await update();
    expect([alone.length, outbox.offered]).toEqual([1, undefined]);
  });

  it("has its signature sent again meanwhile, and not the batch", async () => {
    const { clock, hear, offer, sender, sent, update } = await open();
    await sender.consider(await hear([await offer(), ...others]));
    clock.pass(10_000);
    await update();
    expect(sent.map((message) => message?.type)).toEqual(["batch", "signature", "signature"]);
  });

  it("is remembered with the joint root that it was anchored under, and until when that may come back", async () => {
    const { chain, hear, offer, outbox, sender, update } = await open();
    const own = await offer();
    const draft = await hear([own, ...others]);
    const { message } = draft;
    await sender.consider(draft);
    const contentId = outbox.offered?.records[0]?.contentId ?? idOf("no record");
    chain.entries = [{ ...own, transactionHash: idOf("t"), blockNumber: 4, joint: message }];
    await update();
    expect(outbox.anchorOf(contentId)?.joint).toEqual({ id: draft.id, index: SELF, deadline: message.deadline });
  });
});

describe("after a restore", () => {
  it("no draft is signed before the guard allows it", async () => {
    const guard = { state: "listening" as SigningState };
    const { hear, offer, sender, signings } = await open(guard);
    const draft = await hear([await offer(), ...others]);
    await sender.consider(draft);
    expect([signings(), draft.signatures.size]).toEqual([0, 0]);
    guard.state = "signing";
    await sender.consider(draft);
    expect([signings(), draft.signatures.size]).toEqual([1, 1]);
  });

  it("no second draft is signed while one that a peer has returned may still be anchored", async () => {
    const { hear, offer, sender, signings } = await open();
    const batch = await offer();
    const earlier = await hear([batch, ...others]);
    const { signature } = signedUnder(earlier.message, SELF);
    earlier.signatures.set(SELF, { id: earlier.id, index: SELF, signature });
    const later = await hear([batch, ...others], { deadline: earlier.message.deadline + 1 });
    await sender.consider(later);
    expect([signings(), later.signatures.size]).toEqual([0, 0]);
    // The same again contradicts nothing.
    await sender.consider(earlier);
    expect(signings()).toBe(1);
  });
});

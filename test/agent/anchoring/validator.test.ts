import { describe, expect, it } from "vitest";
import { type AnchoringMessage, encodeMessage } from "../../../src/agent/anchoring/message.js";
import { AnchoringPool, type Draft } from "../../../src/agent/anchoring/pool.js";
import { AnchoringValidator } from "../../../src/agent/anchoring/validator.js";
import { hashJoint, type JointMessage } from "../../../src/ports/chain/index.js";
import type { SignedBatch } from "../../../src/records/index.js";
import {
  batchBy,
  bls,
  CHAIN_TIME,
  draftOver,
  idOf,
  registry,
  signedUnder,
  viewOfMembers,
} from "../../harness/anchoringAuthors.js";
import { stepped } from "../../harness/clock.js";

/** What travels in this order as a draft; nobody fetches its manifest here. */
const draft: JointMessage = {
  epoch: 1,
  root: idOf("root"),
  batches: 3,
  manifest: idOf("manifest"),
  deadline: CHAIN_TIME + 60,
};

const draftId = hashJoint(registry, draft);

function open() {
  const clock = stepped();
  const pool = new AnchoringPool(clock, registry);
  const heard = { drafts: [] as Draft[], signatures: [] as Draft[], abusers: [] as string[] };
  const validator = new AnchoringValidator({
    context: registry,
    clock,
    pool,
    bls,
    latest: viewOfMembers(4, clock),
    onAbuse: (peer) => heard.abusers.push(peer),
    onDraft: (each) => heard.drafts.push(each),
    onSignature: (each) => heard.signatures.push(each),
  });
  const hear = (message: AnchoringMessage | Uint8Array, from = "peer 1", relay = "neighbour") =>
    validator.check(message instanceof Uint8Array ? message : encodeMessage(message), from, relay);
  return {
    ...{ clock, pool, heard, validator, hear },
    hearBatch: (batch: SignedBatch) => hear({ type: "batch", batch }),
    hearDraft: (change: Partial<JointMessage> = {}, from?: string) =>
      hear({ type: "draft", draft: { ...draft, ...change } }, from),
    hearSignature: (index: number, by = index, message = draft) =>
      hear({ type: "signature", signed: { ...signedUnder(message, index, by), id: draftId } }),
  };
}

describe("a batch that comes to a node", () => {
  it("is kept and relayed if a member signed it", async () => {
    const { hearBatch, pool } = open();
    const batch = await batchBy(2);
    expect(await hearBatch(batch)).toBe("accept");
    expect(pool.batchOf(batch.author)?.batch).toEqual(batch);
  });

  it("is refused if its author did not sign it, or it is empty", async () => {
    const { hearBatch, heard, pool, validator } = open();
    const good = await batchBy(2);
    const forged = [
      { ...good, author: (await batchBy(3)).author },
      { ...good, count: 2 },
      { ...good, manifest: idOf("another") },
      { ...good, signature: `0x${"00".repeat(65)}` } as const,
      await batchBy(2, "empty", { count: 0 }),
    ];
    for (const batch of forged) expect(await hearBatch(batch)).toBe("reject");
    expect([pool.batches, validator.counts.badSignatures, heard.abusers]).toEqual([[], 5, []]);
  });

  it("is ignored of an author that is not known yet: it may have been admitted a moment ago", async () => {
    const { hearBatch, pool, validator } = open();
    expect(await hearBatch(await batchBy(4))).toBe("ignore");
    expect([pool.batches, validator.counts.notMembers]).toEqual([[], 1]);
  });

  it("replaces the author's last one, but not within a second", async () => {
    const { clock, hearBatch, pool, validator } = open();
    const [first, second] = [await batchBy(2), await batchBy(2, "second")];
    await hearBatch(first);
    clock.pass(999);
    expect(await hearBatch(second)).toBe("ignore");
    expect(validator.counts.overLimit).toBe(1);
    clock.pass(1);
    expect(await hearBatch(second)).toBe("accept");
    expect(pool.batches.map(({ batch }) => batch)).toEqual([second]);
  });

  it("is relayed again after five seconds for peers that missed it, unless another signed it", async () => {
    const { clock, hearBatch } = open();
    const batch = await batchBy(2);
    await hearBatch(batch);
    expect(await hearBatch(batch)).toBe("ignore");
    clock.pass(5_000);
    expect(await hearBatch({ ...batch, signature: `0x${"00".repeat(65)}` })).toBe("ignore");
    expect([await hearBatch(batch), await hearBatch(batch)]).toEqual(["accept", "ignore"]);
  });

  it("is ignored once it is anchored", async () => {
    const { hearBatch, pool, validator } = open();
    const batch = await batchBy(2);
    pool.noteAnchored(batch);
    expect(await hearBatch(batch)).toBe("ignore");
    expect([pool.batches, validator.counts.known]).toEqual([[], 1]);
  });
});

describe("a draft that comes to a node", () => {
  it("is kept, relayed and considered if a member's peer sent it", async () => {
    const { heard, hearDraft, pool } = open();
    expect(await hearDraft()).toBe("accept");
    expect(pool.draft(draftId)).toMatchObject({ message: draft, from: "peer 1" });
    expect(heard.drafts).toEqual([pool.draft(draftId)]);
  });

  it("is considered once, and relayed again after five seconds if it is the same", async () => {
    const { clock, heard, hearDraft } = open();
    await hearDraft();
    clock.pass(5_000);
    expect([await hearDraft(), await hearDraft()]).toEqual(["accept", "ignore"]);
    expect(heard.drafts).toHaveLength(1);
  });

  it("takes no other's place: one of the same root with another list or deadline is another", async () => {
    const { heard, hearDraft, pool } = open();
    await hearDraft({ manifest: idOf("no list") });
    await hearDraft({ deadline: draft.deadline + 1 });
    expect(await hearDraft()).toBe("accept");
    expect(heard.drafts.at(-1)).toBe(pool.draft(draftId));
  });

  it("is refused with no batch, or with more than a manifest has", async () => {
    const { hearDraft } = open();
    expect([await hearDraft({ batches: 0 }), await hearDraft({ batches: 513 })]).toEqual(["reject", "reject"]);
    expect(await hearDraft({ batches: 512 })).toBe("accept");
  });

  it("is ignored from a stranger's peer, in another epoch, and if it lapsed or stands for too long", async () => {
    const { heard, hearDraft, validator } = open();
    expect(await hearDraft({}, "peer 4")).toBe("ignore");
    expect(validator.counts.notMembers).toBe(1);
    for (const change of [{ epoch: 2 }, { deadline: CHAIN_TIME }, { deadline: CHAIN_TIME + 301 }]) {
      expect(await hearDraft(change)).toBe("ignore");
    }
    expect([validator.counts.notNow, heard.drafts]).toEqual([3, []]);
    expect(await hearDraft({ deadline: CHAIN_TIME + 300 })).toBe("accept");
  });

  it("is ignored as the fifth of one peer", async () => {
    const { hearDraft, validator } = open();
    for (let n = 0; n < 4; n++) expect(await hearDraft({ root: idOf(`${n}`) })).toBe("accept");
    expect(await hearDraft({ root: idOf("4") })).toBe("ignore");
    expect(validator.counts.overLimit).toBe(1);
    expect(await hearDraft({ root: idOf("4") }, "peer 2")).toBe("accept");
  });
});

describe("a signature under a draft", () => {
  it("is kept, relayed and reported if it is the member's", async () => {
    const { heard, hearDraft, hearSignature, pool } = open();
    await hearDraft();
    expect(await hearSignature(2)).toBe("accept");
    expect(pool.draft(draftId)?.signatures.get(2)).toEqual(signedUnder(draft, 2));
    expect(heard.signatures).toEqual([pool.draft(draftId)]);
    expect(await hearSignature(2)).toBe("ignore");
  });

  it("is refused if another key signed it, or it is of another draft", async () => {
    const { hearDraft, hearSignature, heard, pool, validator } = open();
    await hearDraft();
    expect(await hearSignature(2, 3)).toBe("reject");
    expect(await hearSignature(2, 2, { ...draft, deadline: draft.deadline + 1 })).toBe("reject");
    expect([validator.counts.badSignatures, heard.signatures]).toEqual([2, []]);
    expect(pool.draft(draftId)?.signatures.size).toBe(0);
  });

  it("is ignored without its draft, of no member, and as a second one of a member", async () => {
    const { hearDraft, hearSignature, pool, validator } = open();
    expect(await hearSignature(2)).toBe("ignore");
    expect(validator.counts.notNow).toBe(1);
    await hearDraft();
    expect(await hearSignature(9)).toBe("ignore");
    expect(validator.counts.notMembers).toBe(1);
    await hearSignature(2);
    expect(await hearSignature(2, 3)).toBe("ignore");
    expect(pool.draft(draftId)?.signatures.get(2)).toEqual(signedUnder(draft, 2));
  });

  it("is ignored if its draft ended while it was verified", async () => {
    const { hearDraft, hearSignature, heard, pool } = open();
    await hearDraft();
    const checking = hearSignature(2);
    pool.dropDraft(draftId);
    expect([await checking, heard.signatures]).toEqual(["ignore", []]);
  });
});

describe("a neighbour", () => {
  it("is reported after sixteen messages that are none, and its good ones are ignored then", async () => {
    const { hear, hearBatch, heard, validator } = open();
    for (let n = 0; n < 16; n++) expect(await hear(Uint8Array.of(n))).toBe("reject");
    expect([validator.counts.malformed, heard.abusers]).toEqual([16, ["neighbour"]]);
    const batch = await batchBy(2);
    expect(await hearBatch(batch)).toBe("ignore");
    expect(await hear({ type: "batch", batch }, "peer 1", "another")).toBe("accept");
  });
});

describe("what has ended", () => {
  it("may be heard anew: it is relayed at once, and not first after five seconds", async () => {
    const { hearBatch, hearDraft, validator } = open();
    const batch = await batchBy(2);
    const { id, message } = draftOver([batch]);
    await hearBatch(batch);
    await hearDraft(message);
    expect([await hearBatch(batch), await hearDraft(message)]).toEqual(["ignore", "ignore"]);
    for (const root of [batch.root, id]) validator.forget(root);
    expect([await hearBatch(batch), await hearDraft(message)]).toEqual(["accept", "accept"]);
  });
});

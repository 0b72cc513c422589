import { describe, expect, it } from "vitest";
import { AnchoringPool } from "../../../src/agent/anchoring/pool.js";
import { hashJoint, type JointMessage } from "../../../src/ports/chain/index.js";
import type { Hex, SignedBatch } from "../../../src/records/index.js";
import { stepped } from "../../harness/clock.js";

const word = (number: number): Hex => `0x${number.toString(16).padStart(64, "0")}`;
const author: Hex = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed";
const other: Hex = `0x${"22".repeat(20)}`;
const batchOf = (by: Hex, root: number): SignedBatch => ({
  author: by,
  root: word(root),
  count: 1,
  manifest: word(9),
  signature: `0x${"33".repeat(65)}`,
});
const draftOf = (root: number): JointMessage => ({
  epoch: 1,
  root: word(root),
  batches: 8,
  manifest: word(9),
  deadline: 60,
});

const registry = { chainId: 31_337, registry: author };
const idOf = (root: number) => hashJoint(registry, draftOf(root));

function open() {
  const clock = stepped();
  return { clock, pool: new AnchoringPool(clock, registry) };
}

describe("the batches that are known", () => {
  it("are the newest of each author, and since when, whatever the case of its address", () => {
    const { clock, pool } = open();
    pool.addBatch(batchOf(author, 1));
    clock.pass(500);
    pool.addBatch(batchOf(other, 2));
    pool.addBatch(batchOf(author.toLowerCase() as Hex, 3));
    expect(pool.batches.map(({ batch, since }) => [batch.root, since])).toEqual([
      [word(3), 500],
      [word(2), 500],
    ]);
    expect(pool.batchOf(author.toUpperCase())?.batch.root).toBe(word(3));
    expect(pool.batchOf(word(7))).toBeUndefined();
  });

  it("wait since the moment that the caller knows better", () => {
    const { clock, pool } = open();
    clock.pass(5_000);
    pool.addBatch(batchOf(author, 1), 1_200);
    expect(pool.batchOf(author)?.since).toBe(1_200);
  });

  it("wait no longer once they are anchored, and are known then", () => {
    const { pool } = open();
    pool.addBatch(batchOf(author, 1));
    pool.noteAnchored({ author: author.toLowerCase() as Hex, root: word(1) });
    expect(pool.batches).toEqual([]);
    expect(pool.isAnchored(batchOf(author, 1))).toBe(true);
    // Neither another author's nor another batch of this one.
    expect([pool.isAnchored(batchOf(other, 1)), pool.isAnchored(batchOf(author, 2))]).toEqual([false, false]);
  });

  it("go on waiting when an older batch of the author is anchored", () => {
    const { pool } = open();
    pool.addBatch(batchOf(author, 2));
    pool.noteAnchored({ author, root: word(1) });
    expect(pool.batchOf(author)?.batch.root).toBe(word(2));
  });

  it("are forgotten with their authors", () => {
    const { pool } = open();
    pool.addBatch(batchOf(author, 1));
    pool.addBatch(batchOf(other, 2));
    pool.keepAuthors(new Set([other]));
    expect(pool.batches.map(({ batch }) => batch.author)).toEqual([other]);
  });
});

describe("the drafts that are known", () => {
  it("have neither manifest nor signatures at first, and are found by their id", () => {
    const { clock, pool } = open();
    clock.pass(700);
    const draft = pool.addDraft(draftOf(1), "peer");
    expect(draft).toMatchObject({ message: draftOf(1), from: "peer", since: 700, manifest: undefined });
    expect(draft.signatures.size).toBe(0);
    expect(draft.id).toBe(idOf(1));
    expect([pool.draft(idOf(1)), pool.draft(idOf(2)), pool.draftOf(draftOf(1))]).toEqual([draft, undefined, draft]);
    pool.dropDraft(idOf(1));
    expect([pool.draft(idOf(1)), pool.drafts]).toEqual([undefined, []]);
  });

  it("stand beside others of the same root: nobody takes a root's place with a bad list or deadline", () => {
    const { pool } = open();
    const bad = pool.addDraft({ ...draftOf(1), manifest: word(8) }, "peer");
    const good = pool.addDraft(draftOf(1), "another");
    expect([pool.draft(idOf(1)), pool.drafts]).toEqual([good, [bad, good]]);
  });

  it("are at most four of one sender", () => {
    const { pool } = open();
    for (let root = 0; root < 4; root++) {
      expect(pool.admitsDraftOf("peer")).toBe(true);
      pool.addDraft(draftOf(root), "peer");
    }
    expect([pool.admitsDraftOf("peer"), pool.admitsDraftOf("another")]).toEqual([false, true]);
    pool.dropDraft(idOf(0));
    expect(pool.admitsDraftOf("peer")).toBe(true);
  });

  it("are at most 32 of all senders, this node included", () => {
    const { pool } = open();
    pool.addDraft(draftOf(0), undefined);
    for (let root = 1; root < 32; root++) {
      expect(pool.admitsDraftOf(`peer ${root}`)).toBe(true);
      pool.addDraft(draftOf(root), `peer ${root}`);
    }
    expect(pool.admitsDraftOf("a peer without a draft")).toBe(false);
  });
});

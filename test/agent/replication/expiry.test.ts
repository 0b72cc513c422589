import { id } from "ethers";
import { expect, it } from "vitest";
import { Expiry } from "../../../src/agent/replication/expiry.js";
import { type IndexedRecord, RecordIndex } from "../../../src/agent/replication/recordIndex.js";
import type { RetentionTerms } from "../../../src/agent/replication/retentionReader.js";
import type { Client } from "../../../src/client/index.js";
import { retentionRules } from "../../../src/policy/index.js";
import { ContentError, type Pin, type Pins } from "../../../src/ports/content/index.js";
import type { ContentId } from "../../../src/records/index.js";
import { createLogger } from "../../../src/utils/logger.js";
import { operatorKey } from "../../harness/deploy.js";

const NOW = 1_000_000;
const idOf = (name: string) => id(name) as ContentId;
const signal = new AbortController().signal;

interface Listed {
  readonly manifest: string;
  readonly block: number;
  readonly records: readonly string[];
}

/** A book of anchors that are only listed here, all of whose records this node keeps. */
function bookOf(lists: readonly Listed[], unreadable: ReadonlySet<string> = new Set()): RecordIndex {
  const entries = lists.map(({ block, manifest }) => ({
    author: operatorKey(0).address,
    root: idOf(`root ${manifest}`),
    manifest: idOf(manifest),
    blockNumber: block,
    joint: null,
  }));
  const client = {
    chain: { blockNumber: async () => 100 },
    anchors: {
      anchors: async () => ({ entries, unread: [] }),
      leaves: async ({ manifest }: { manifest: ContentId }) => {
        const list = lists.find((each) => idOf(each.manifest) === manifest);
        if (list === undefined || unreadable.has(list.manifest)) throw new ContentError("missing", "It is not here.");
        return list.records.map((name) => ({ kind: "State", contentId: idOf(name) }));
      },
    },
  } as unknown as Client;
  return new RecordIndex({ client, roots: { get: async () => ({}) as Pin } as unknown as Pins });
}

/** Terms by which States of 100 s are past that were anchored up to a block; a block is made every second. */
function expiryOf(book: RecordIndex, upTo: number, timeOf = async (block: number) => block): Expiry {
  const rules = retentionRules(new Map([["retain.State", 100n]]), { min: 1, max: 3 });
  const pastBlock = { State: upTo, Model: upTo, Incident: upTo, Outcome: upTo };
  const terms: RetentionTerms = {
    rules,
    now: NOW,
    lastPastBlock,
    lastAllPastBlock: upTo,
    readHolds: async () => new Set(),
    timeOf,
  };
  return new Expiry({
    index,
    retention: { rules, read: async () => terms },
    logger: createLogger("silent", () => undefined),
  });
}

async function marked(expiry: Expiry): Promise<IndexedRecord[]> {
  await expiry.refresh();
  return expiry.mark();
}

it("has records let go of some at a time, and a list after all that is in it", async () => {
  const records = Array.from({ length: 1_200 }, (_, i) => `record ${i}`);
  const book = bookOf([{ manifest: "list", block: 5, records }]);
  await book.update(signal);
  const expiry = expiryOf(book, 10);
  const rounds: [number, number][] = [];
  for (let round = 0; round < 4; round++) {
    const due = await marked(expiry);
    rounds.push([due.length, due.filter(({ kind }) => kind === "Manifest").length]);
    for (const record of due) record.isHeld = false;
  }
  expect(rounds).toEqual([
    [1_000, 0],
    [200, 0],
    [1, 1],
    [0, 0],
  ]);
});

it("lets go of nothing whose own block says otherwise, or cannot be read", async () => {
  const book = bookOf([{ manifest: "list", block: 5, records: ["young"] }]);
  await book.update(signal);
  expect(await marked(expiryOf(book, 10, async () => NOW - 100))).toEqual([]);
  const failing = expiryOf(book, 10, () => Promise.reject(new Error("the chain does not answer")));
  expect(await marked(failing)).toEqual([]);
  expect(failing.areTermsKnown).toBe(false);
  expect(await marked(expiryOf(book, 10, async () => NOW - 101))).toHaveLength(1);
});

it("counts a record's time from its first anchor, in whatever order the lists come", async () => {
  const unreadable = new Set(["first"]);
  const lists = [
    { manifest: "first", block: 5, records: ["twice"] },
    { manifest: "second", block: 50, records: ["twice"] },
  ];
  const book = bookOf(lists, unreadable);
  await book.update(signal);
  expect(await marked(expiryOf(book, 10))).toEqual([]);
  expect(book.find(idOf("twice"))?.block).toBe(50);
  unreadable.clear();
  await book.update(signal);
  expect(book.find(idOf("twice"))?.block).toBe(5);
  const due = await marked(expiryOf(book, 10));
  expect(due.map(({ contentId }) => contentId)).toEqual([idOf("twice")]);
  // The second list is younger, and says nothing that is not known of the first.
  expect([...book.records()].filter(({ isExpired }) => isExpired)).toHaveLength(2);
});

import { id } from "ethers";
import { expect, it } from "vitest";
import { Expiry } from "../../../src/agent/replication/expiry.js";
import type { IndexedRecord } from "../../../src/agent/replication/index/indexedRecord.js";
import { RecordIndex } from "../../../src/agent/replication/index/recordIndex.js";
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

/** An index of anchors that only this test lists; this node pins all of their records. */
function indexOf(lists: readonly Listed[], unreadable: ReadonlySet<string> = new Set()): Promise<RecordIndex> {
  const entries = lists.map(({ block, manifest }) => ({
    author: operatorKey(0).address,
    root: idOf(`root ${manifest}`),
    manifest: idOf(manifest),
    blockNumber: block,
    joint: null,
  }));
  const client = {
    chain: { blockNumber: async () => 100 },
    listAnchors: async () => ({ entries, unread: [] }),
    fetchLeaves: async ({ anchor: { manifest } }: { anchor: { manifest: ContentId } }) => {
      const list = lists.find((each) => idOf(each.manifest) === manifest);
      if (list === undefined || unreadable.has(list.manifest)) throw new ContentError("missing", "It is not here.");
      return list.records.map((name) => ({ kind: "State", contentId: idOf(name) }));
    },
  } as unknown as Client;
  return RecordIndex.open({ client, pins: { get: async () => ({}) as Pin } as unknown as Pins });
}

/** States are kept for 100 s, and those anchored up to a block are past that; a block is made every second. */
function expiryOf(index: RecordIndex, upTo: number, timeOf = async (block: number) => block): Expiry {
  const rules = retentionRules(new Map([["retain.State", 100n]]), { min: 1, max: 3 });
  const lastPastBlock = { State: upTo, Model: upTo, Incident: upTo, Outcome: upTo };
  const terms: RetentionTerms = {
    rules,
    now: NOW,
    lastPastBlock,
    lastAllPastBlock: upTo,
    lastForgottenBlock: -1,
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

it("returns a bounded number of expired records at a time, and a manifest after all of its records", async () => {
  const records = Array.from({ length: 1_200 }, (_, i) => `record ${i}`);
  const index = await indexOf([{ manifest: "list", block: 5, records }]);
  await index.update(signal);
  const expiry = expiryOf(index, 10);
  const rounds: [number, number][] = [];
  for (let round = 0; round < 4; round++) {
    const due = await marked(expiry);
    rounds.push([due.length, due.filter(({ kind }) => kind === "Manifest").length]);
    for (const record of due) index.rows.release(record);
  }
  expect(rounds).toEqual([
    [1_000, 0],
    [200, 0],
    [1, 1],
    [0, 0],
  ]);
});

it("returns no record whose own block is too new or cannot be read", async () => {
  const index = await indexOf([{ manifest: "list", block: 5, records: ["young"] }]);
  await index.update(signal);
  expect(await marked(expiryOf(index, 10, async () => NOW - 100))).toEqual([]);
  const failing = expiryOf(index, 10, () => Promise.reject(new Error("the chain does not answer")));
  expect(await marked(failing)).toEqual([]);
  expect(failing.areTermsKnown).toBe(false);
  expect(await marked(expiryOf(index, 10, async () => NOW - 101))).toHaveLength(1);
});

it("counts a record's time from its first anchor, in whatever order the manifests are read", async () => {
  const unreadable = new Set(["first"]);
  const lists = [
    { manifest: "first", block: 5, records: ["twice"] },
    { manifest: "second", block: 50, records: ["twice"] },
  ];
  const index = await indexOf(lists, unreadable);
  await index.update(signal);
  expect(await marked(expiryOf(index, 10))).toEqual([]);
  expect(index.find(idOf("twice"))?.block).toBe(50);
  unreadable.clear();
  await index.update(signal);
  expect(index.find(idOf("twice"))?.block).toBe(5);
  const due = await marked(expiryOf(index, 10));
  expect(due.map(({ contentId }) => contentId)).toEqual([idOf("twice")]);
  // The second manifest is newer, but its only record is listed by the first, too.
  expect(index.rows.pageById(0, 10).filter(({ isExpired }) => isExpired)).toHaveLength(2);
});

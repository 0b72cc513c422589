import { beforeEach, describe, expect, it } from "vitest";
import type { ListedRecord } from "../../../src/agent/replication/index/indexedRecord.js";
import { RecordRows } from "../../../src/agent/replication/index/recordRows.js";
import { INDEX_FILE } from "../../../src/agent/replication/index/tables.js";
import type { Share } from "../../../src/agent/replication/share.js";
import { ShareFetcher } from "../../../src/agent/replication/shareFetcher.js";
import { openDatabase } from "../../../src/catalog/database/database.js";
import { type ContentStore, createMemoryContent, type Pins } from "../../../src/ports/content/index.js";
import { type ContentId, type EncodedRecord, encodeRecord } from "../../../src/records/index.js";
import { createLogger } from "../../../src/utils/logger.js";
import { weightsOfNobody } from "../../faults/lyingWeights.js";
import { frozen, TestClock } from "../../harness/clock.js";
import { incidentOf } from "../../harness/dao.js";
import { address, model } from "../../records/samples.js";

const AUTHOR = `0x${"a1".repeat(20)}`;
const OTHER = `0x${"b0".repeat(20)}`;
const SELF = address(`0x${"5e".repeat(20)}`);
const QUOTA = { bytes: 100_000, records: 8 };
const FILE_BYTES = 30_000;

let rows: RecordRows;
let peers: ContentStore;
let pinned: string[];
let clock: TestClock;
let fetcher: ShareFetcher;
beforeEach(async () => {
  rows = new RecordRows(await openDatabase(":memory:", INDEX_FILE), QUOTA);
  rows.addAccounts([AUTHOR, OTHER, SELF.toLowerCase()]);
  peers = createMemoryContent();
  pinned = [];
  clock = new TestClock(frozen());
  const pins = {
    set: async ({ name }) => void pinned.push(name),
    drop: async () => true,
  } as Partial<Pins> as Pins;
  fetcher = new ShareFetcher({
    ...{ rows, clock, self: SELF, logger: createLogger("silent", () => undefined) },
    content: { ...peers, pins },
    share: { holdersOf: ({ authors }) => authors } as Partial<Share> as Share,
    signal: new AbortController().signal,
  });
});

/** A record that is anchored, and that this node is to hold. */
async function anchor<Kind extends "Incident" | "Model">(
  { bytes, contentId, kind }: EncodedRecord<Kind>,
  change: Partial<ListedRecord> = {},
): Promise<ContentId> {
  await peers.put(bytes);
  const listed = { contentId, kind, isJoint: false, author: AUTHOR, block: 1, isHeld: false, ...change };
  const added = rows.add(listed);
  if (added === undefined) throw new Error("it is known");
  rows.assign(added, true);
  return contentId;
}

async function modelOf(seed: number) {
  const weights = await peers.putFile([new Uint8Array(FILE_BYTES).fill(seed)]);
  const value = { ...model, round: seed, parents: [], weights: { ...weights, format: "safetensors" as const } };
  return encodeRecord("Model", value);
}

const fetch = () => fetcher.fetch(new Map());
const held = (ids: readonly ContentId[]) => ids.filter((id) => rows.find(id)?.isHeld).length;

describe("what one author may take of a node", () => {
  it("is no more than the quota in bytes, though many of its models are fetched at once", async () => {
    const models = await Promise.all(Array.from({ length: 7 }, async (_, i) => anchor(await modelOf(i))));
    await fetch();
    expect(held(models)).toBe(3);
    expect(pinned.filter((name) => name.startsWith("replica/"))).toHaveLength(6);
    const honest = await anchor(await modelOf(9), { author: OTHER });
    await fetch();
    expect(held([honest])).toBe(1);
    expect(rows.refusedSince()).toEqual([{ author: AUTHOR, block: 1 }]);
  });

  it("is no more than the quota in records, and nothing that is held is dropped for a newer record", async () => {
    const early = await Promise.all(
      Array.from({ length: 8 }, (_, i) => anchor(encodeRecord("Incident", incidentOf(`early ${i}`)))),
    );
    await fetch();
    const late = await anchor(encodeRecord("Incident", incidentOf("late")), { block: 2 });
    await fetch();
    expect([held(early), held([late])]).toEqual([8, 0]);
    // When one of them has expired there is room again.
    const first = rows.find(early[0] as ContentId);
    if (first === undefined) throw new Error("it is not known");
    rows.assign(first, false);
    rows.release(first);
    await fetch();
    expect(held([late])).toBe(1);
  });

  it("does not count what this node wrote itself, which it fetches again after it has lost its disk", async () => {
    const own = await Promise.all(
      Array.from({ length: 10 }, (_, i) =>
        anchor(encodeRecord("Incident", incidentOf(`own ${i}`)), { author: SELF.toLowerCase() }),
      ),
    );
    await fetch();
    expect(held(own)).toBe(10);
  });
});

describe("a model whose weights nobody has", () => {
  it("costs its record alone: it is not pinned, takes no quota, and is tried again later", async () => {
    const id = await anchor(encodeRecord("Model", { ...model, parents: [], weights: weightsOfNobody }));
    await fetch();
    expect([held([id]), pinned, rows.countMissing(), rows.refusedSince()]).toEqual([0, [], 1, []]);
    expect(rows.missing(clock.monotonic(), 9)).toEqual([]);
    clock.pass(1_000);
    expect(rows.missing(clock.monotonic(), 9)).toHaveLength(1);
    const others = await Promise.all([2, 3, 4].map(async (seed) => anchor(await modelOf(seed))));
    // While it is tried again its room is taken, and then free.
    await fetch();
    await fetch();
    expect(held(others)).toBe(3);
  });
});

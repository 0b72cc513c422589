import { beforeEach, describe, expect, it } from "vitest";
import { type AnchorIndex, checkManifest, createAnchorIndex } from "../../../src/client/anchors/anchorIndex.js";
import type { Chain, ChainEvent } from "../../../src/ports/chain/index.js";
import { ContentError, createMemoryContent } from "../../../src/ports/content/index.js";
import { type AnchoredRows, anchorOf, reportOf } from "../../harness/catalogRows.js";
import { stepped, type TestClock } from "../../harness/clock.js";
import { eventOf } from "../../harness/events.js";
import { chainOf } from "../../harness/fakeClient.js";
import { idOf, OTHER } from "../../records/samples.js";

const anchors = [1, 2, 3].map((block) => anchorOf(block, [reportOf(`replica/${block}`)], { sequence: block }));
const first = anchors[0] as AnchoredRows;
const entryOf = ({ event, ...anchor }: AnchoredRows) => ({
  ...{ author: anchor.author, root: anchor.root, sequence: event.blockNumber, count: anchor.leaves.length },
  ...{ manifest: anchor.manifest.contentId, transactionHash: event.transactionHash },
  ...{ blockNumber: event.blockNumber, joint: null },
});

let clock: TestClock;
let fetched: string[];
let blocks: Map<string, Uint8Array>;
let events: ChainEvent[];
let index: AnchorIndex;
beforeEach(() => {
  clock = stepped();
  [fetched, blocks] = [[], new Map()];
  events = anchors.map(({ event }) => event);
  index = indexOf();
});

function indexOf(maxAnchors?: number): AnchorIndex {
  const memory = createMemoryContent(blocks);
  const content: typeof memory = {
    ...memory,
    get(cid, options) {
      fetched.push(cid);
      return memory.get(cid, options);
    },
  };
  const chain: Chain = chainOf({
    blockNumber: async () => 3,
    events: async ({ fromBlock, toBlock }: { fromBlock: number; toBlock: number }) =>
      events.filter(({ blockNumber }) => blockNumber >= fromBlock && blockNumber <= toBlock),
  });
  const membership = { read: async () => [] };
  return createAnchorIndex({ chain, content, clock, membership, ...(maxAnchors === undefined ? {} : { maxAnchors }) });
}

const put = (anchor: AnchoredRows) => blocks.set(anchor.manifest.cid, anchor.manifest.bytes);
const leavesOf = (anchor: AnchoredRows, signal?: AbortSignal) =>
  index.leaves(entryOf(anchor), { timeoutMs: 1_000, signal });

describe("the anchors of a chain", () => {
  it("come oldest first, as their events tell them", async () => {
    expect(await index.anchors()).toEqual({ entries: anchors.map(entryOf), unread: [], since: 1 });
  });

  it("are only those of the blocks that are asked for, both included", async () => {
    const { entries, since } = await index.anchors({ blocks: [2, 3] });
    expect([entries.map(({ blockNumber }) => blockNumber), since]).toEqual([[2, 3], 2]);
  });

  it("are the newest where there are more than are remembered, and say from which block on none is missing", async () => {
    const few = indexOf(2);
    const { entries, since } = await few.anchors();
    expect([entries.map(({ blockNumber }) => blockNumber), since]).toEqual([[2, 3], 2]);
  });

  it("are told of as unread where a joint anchor's list is out of reach", async () => {
    const args = { root: idOf("joint"), epoch: 1n, batches: 2n, manifest: idOf("list"), authors: [3n] };
    events.push(eventOf("JointlyAnchored", args, { blockNumber: 3, logIndex: 1 }));
    const { entries, unread } = await index.anchors();
    expect(entries).toHaveLength(3);
    expect(unread).toMatchObject([
      { anchor: { author: null, root: idOf("joint"), manifest: idOf("list") }, error: { code: "content-missing" } },
    ]);
  });
});

describe("the records of an anchor", () => {
  it("are read once", async () => {
    put(first);
    const leaves = await leavesOf(first);
    expect(leaves.map(({ contentId, kind }) => ({ contentId, kind }))).toEqual(first.leaves);
    expect(await leavesOf(first)).toBe(leaves);
    expect(fetched).toHaveLength(1);
  });

  it("are fetched once for callers that ask at the same time", async () => {
    put(first);
    await Promise.all([leavesOf(first), leavesOf(first)]);
    expect(fetched).toHaveLength(1);
  });

  it("fail again without another attempt for a while, and then are asked for", async () => {
    const failure = await leavesOf(first).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(ContentError);
    put(first);
    await expect(leavesOf(first)).rejects.toBe(failure);
    expect(fetched).toHaveLength(1);
    clock.pass(2_000);
    expect(await leavesOf(first)).toHaveLength(1);
  });

  it("are refused where the manifest is not what the anchor's root stands for", async () => {
    const other = anchors[1] as AnchoredRows;
    put(other);
    const lying = { ...first, manifest: other.manifest };
    await expect(leavesOf(lying)).rejects.toMatchObject({ code: "invalid-manifest" });
  });

  it("are not given up on because a caller's signal aborted", async () => {
    const controller = new AbortController();
    const cut = leavesOf(first, controller.signal);
    controller.abort(new Error("enough"));
    await expect(cut).rejects.toThrow("enough");
    put(first);
    expect(await leavesOf(first)).toHaveLength(1);
  });

  it("have no place under a joint root where the batch was anchored alone", async () => {
    expect(await index.jointPlaceOf(entryOf(first))).toBeNull();
  });
});

it("refuses a manifest of another author", () => {
  const manifest = { author: OTHER, leaves: first.leaves };
  expect(() => checkManifest(entryOf(first), manifest)).toThrow(expect.objectContaining({ code: "invalid-record" }));
});

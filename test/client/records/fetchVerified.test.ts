import { beforeEach, describe, expect, it } from "vitest";
import type { AnchorEntry, AnchoredLeaf } from "../../../src/client/anchors/anchor.js";
import { checkManifest } from "../../../src/client/anchors/anchorIndex.js";
import type { NewRecord } from "../../../src/client/index.js";
import { fetchVerified, type RecordParameters } from "../../../src/client/records/fetchVerified.js";
import { ContentError, createMemoryContent } from "../../../src/ports/content/index.js";
import type { Address, Hex } from "../../../src/records/index.js";
import { anchorOf, reportOf } from "../../harness/catalogRows.js";
import { contextOf } from "../../harness/fakeClient.js";
import { idOf, NODE, OTHER, state } from "../../records/samples.js";

let entries: AnchorEntry[];
let leaves: Map<AnchorEntry, () => readonly AnchoredLeaf[]>;
let blocks: Map<string, Uint8Array>;
/** Blocks that were searched by themselves. */
let searched: number[];
let isOnChain: (author: Address, root: Hex) => boolean;
beforeEach(() => {
  [entries, leaves, blocks, searched] = [[], new Map(), new Map(), []];
  isOnChain = () => true;
});

/** Anchors records, so that the client below finds them. Returns the ContentId of the first. */
function anchor(block: number, records: readonly NewRecord[], author = NODE): Hex {
  const { encoded, event, root, manifest, leaves: listed } = anchorOf(block, records, { author });
  const entry: AnchorEntry = {
    ...{ author, root, sequence: 1, count: listed.length, manifest: manifest.contentId, joint: null },
    ...{ transactionHash: event.transactionHash, blockNumber: block },
  };
  entries.push(entry);
  leaves.set(entry, () => checkManifest(entry, { author, leaves: listed }));
  for (const { bytes, cid } of encoded) blocks.set(cid, bytes);
  return encoded[0]?.contentId ?? "0x";
}

function fetched(parameters: RecordParameters, locate?: () => Promise<readonly number[]>) {
  const anchorOnChain = async (author: Address, root: Hex) => ({
    anchoredAt: isOnChain(author, root) ? 100n : 0n,
    sequence: 1n,
  });
  const client = contextOf({
    chain: { contracts: { knowledge: { anchorOf: anchorOnChain } } },
    content: createMemoryContent(blocks),
    locate,
    anchors: {
      async anchors({ blocks: range }: { blocks?: [number, number] } = {}) {
        if (range !== undefined) searched.push(range[0]);
        const within = entries.filter(({ blockNumber }) => range === undefined || blockNumber === range[0]);
        return { entries: within, unread: [], since: 1 };
      },
      leaves: async (entry: AnchorEntry) => leaves.get(entry)?.() ?? [],
      jointPlaceOf: async () => null,
    },
  });
  return fetchVerified(client, parameters);
}

describe("a record", () => {
  it("comes with what proves it", async () => {
    const report = reportOf("replica/a");
    const contentId = anchor(1, [report, reportOf("replica/b")]);
    expect(await fetched({ contentId })).toMatchObject({
      ...{ kind: "Incident", value: report.value, contentId, author: NODE },
      anchor: { root: entries[0]?.root, sequence: 1, anchoredAt: 100 },
    });
  });

  it("is taken from its newest anchor, or from the author's that is asked for", async () => {
    const contentId = anchor(1, [reportOf("replica/a")]);
    anchor(2, [reportOf("replica/a")], OTHER);
    expect(await fetched({ contentId })).toMatchObject({ author: OTHER });
    const lower = NODE.toLowerCase() as Address;
    expect(await fetched({ contentId, author: lower })).toMatchObject({ author: NODE });
  });

  it("is looked for where it is said to be, in four blocks at most, and then everywhere", async () => {
    const contentId = anchor(9, [reportOf("replica/a")]);
    expect(await fetched({ contentId }, async () => [8, 9, 10])).toMatchObject({ contentId });
    expect(searched).toEqual([8, 9]);
    searched.length = 0;
    expect(await fetched({ contentId }, async () => [1, 2, 3, 4, 9])).toMatchObject({ contentId });
    expect(searched).toEqual([1, 2, 3, 4]);
    expect(await fetched({ contentId }, () => Promise.reject(new Error("the hint failed")))).toMatchObject({
      contentId,
    });
  });

  it("is not hidden by a newer anchor that the chain does not bear out", async () => {
    const contentId = anchor(1, [reportOf("replica/a")]);
    anchor(2, [reportOf("replica/a")], OTHER);
    isOnChain = (author) => author === NODE;
    expect(await fetched({ contentId })).toMatchObject({ author: NODE });
  });
});

describe("what is refused", () => {
  it("is a record in no anchor, with how many could not be searched", async () => {
    anchor(1, [reportOf("replica/a")]);
    const unread = entries[0] as AnchorEntry;
    leaves.set(unread, () => {
      throw new ContentError("missing", "The manifest is away.");
    });
    await expect(fetched({ contentId: idOf("nothing") })).rejects.toMatchObject({
      ...{ code: "not-anchored", retryable: true, details: expect.stringMatching(/^1 anchors/) },
    });
  });

  it("is a record as another kind", async () => {
    const contentId = anchor(1, [reportOf("replica/a")]);
    await expect(fetched({ contentId, kind: "Outcome" })).rejects.toMatchObject({ code: "not-anchored" });
  });

  it("is a record of another author than asked for, who is named", async () => {
    const contentId = anchor(1, [reportOf("replica/a")], OTHER);
    await expect(fetched({ contentId, author: NODE })).rejects.toMatchObject({
      ...{ code: "wrong-author", expected: NODE, found: [OTHER] },
    });
  });

  it("is a state that another node anchored than it speaks of", async () => {
    const contentId = anchor(1, [{ kind: "State", value: state }], OTHER);
    await expect(fetched({ contentId })).rejects.toMatchObject({ code: "wrong-author", found: [OTHER] });
  });

  it("is a leaf whose proof does not lead to its root", async () => {
    const contentId = anchor(1, [reportOf("replica/a"), reportOf("replica/b")]);
    const entry = entries[0] as AnchorEntry;
    const honest = leaves.get(entry);
    leaves.set(entry, () => (honest?.() ?? []).map((leaf) => ({ ...leaf, proof: [] })));
    await expect(fetched({ contentId })).rejects.toMatchObject({ code: "invalid-proof" });
  });

  it("is a record whose bytes nobody has, with the store's own error", async () => {
    const contentId = anchor(1, [reportOf("replica/a")]);
    blocks.clear();
    await expect(fetched({ contentId })).rejects.toMatchObject({ code: "content-missing" });
  });

  it("is everything once the signal has aborted", async () => {
    const contentId = anchor(1, [reportOf("replica/a")]);
    const signal = AbortSignal.abort(new Error("enough"));
    await expect(fetched({ contentId, signal })).rejects.toThrow("enough");
  });
});

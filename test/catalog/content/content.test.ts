import { beforeEach, describe, expect, it } from "vitest";
import { listPending } from "../../../src/catalog/content/awaited.js";
import { checkRecord, type FetchOptions, type FetchProgress, fetchDue } from "../../../src/catalog/content/content.js";
import type { Database } from "../../../src/catalog/database/database.js";
import { ContentError, createMemoryContent } from "../../../src/ports/content/index.js";
import {
  buildTree,
  contentIdOf,
  contentIdToCid,
  encodeJointManifest,
  encodeManifest,
  encodeRecord,
  leafOf,
} from "../../../src/records/index.js";
import { type AnchoredRows, anchorOf, openRows, reportOf, writeEvents } from "../../harness/catalogRows.js";
import { frozen, TestClock } from "../../harness/clock.js";
import { eventOf } from "../../harness/events.js";
import { addresses } from "../../harness/fakeClient.js";
import { idOf, NODE, records as samples } from "../../records/samples.js";

const context = { chainId: 31_337, registry: addresses.KnowledgeRegistry };
let db: Database;
let clock: TestClock;
let blocks: Map<string, Uint8Array>;
/** What is thrown instead of a block, by its CID. */
let failures: Map<string, Error>;
let fetched: string[];
let touched: string[];
beforeEach(async () => {
  db = await openRows();
  clock = new TestClock(frozen(1_800_000_000_000));
  [blocks, failures, fetched, touched] = [new Map(), new Map(), [], []];
});

function fetchAll(options: FetchOptions = {}): Promise<FetchProgress> {
  const memory = createMemoryContent(blocks);
  const content: typeof memory = {
    ...memory,
    async get(cid, options) {
      fetched.push(cid);
      const failure = failures.get(cid);
      if (failure !== undefined) throw failure;
      return memory.get(cid, options);
    },
  };
  return fetchDue(db, { clock, content, context }, (some) => touched.push(...some.map(({ type }) => type)), options);
}

/** Anchors records, of which everything is in the store. */
function anchor(block: number, ...names: string[]): AnchoredRows {
  const anchored = anchorOf(
    block,
    names.map((name) => reportOf(name)),
  );
  writeEvents(db, [anchored.event]);
  for (const { bytes, cid } of [...anchored.encoded, anchored.manifest]) blocks.set(cid, bytes);
  return anchored;
}
const cidsOf = ({ encoded }: AnchoredRows) => encoded.map(({ cid }) => cid);

describe("what is awaited", () => {
  it("is fetched once: manifests first, then the records that they list", async () => {
    const [first, second] = [anchor(1, "a", "b"), anchor(2, "b", "c")];
    const progress: FetchProgress[] = [];
    expect(await fetchAll({ onProgress: (each) => progress.push(each) })).toEqual({ manifests: 2, records: 3 });
    const manifests = [first, second].map(({ manifest }) => manifest.cid);
    expect(fetched).toEqual([...manifests, ...new Set([...cidsOf(first), ...cidsOf(second)])]);
    expect(progress).toEqual([
      { manifests: 2, records: 0 },
      { manifests: 2, records: 3 },
    ]);
    expect(touched).toEqual([...Array(4).fill("listed"), ...Array(4).fill("verified")]);
    expect(await fetchAll()).toEqual({ manifests: 0, records: 0 });
    expect(fetched).toHaveLength(5);
  });

  it("is asked for again after a pause that doubles, and not before", async () => {
    const { manifest } = anchor(1, "a");
    blocks.clear();
    const attempts = async (milliseconds: number) => {
      clock.pass(milliseconds);
      fetched = [];
      await fetchAll();
      return fetched.length;
    };
    expect([await attempts(0), await attempts(1_999), await attempts(1)]).toEqual([1, 0, 1]);
    expect([await attempts(3_999), await attempts(1)]).toEqual([0, 1]);
    expect(listPending(db, 9)).toMatchObject([{ what: "manifest", cid: manifest.cid, attempts: 3, author: NODE }]);
  });

  it("is asked for at once where the caller wants it", async () => {
    const anchored = anchor(1, "a");
    const { bytes, cid } = anchored.manifest;
    blocks.delete(cid);
    await fetchAll();
    blocks.set(cid, bytes);
    expect(await fetchAll({ retryAll: true })).toEqual({ manifests: 1, records: 1 });
  });

  it("does not keep the rest waiting", async () => {
    const [away, here] = [anchor(1, "a"), anchor(2, "b")];
    failures.set(away.manifest.cid, new ContentError("timeout", "It takes too long."));
    expect(await fetchAll()).toEqual({ manifests: 1, records: 1 });
    expect(listPending(db, 9)).toMatchObject([{ cid: away.manifest.cid, reason: "It takes too long." }]);
    expect(fetched).toContain(cidsOf(here)[0]);
  });
});

describe("what is wrong", () => {
  it("is a manifest that is not its anchor's: it is never asked for again", async () => {
    const [lying, other] = [anchorOf(1, [reportOf("a")]), anchorOf(2, [reportOf("b")])];
    const args = { ...lying.event.args, manifest: other.manifest.contentId };
    writeEvents(db, [{ ...lying.event, args } as typeof lying.event]);
    blocks.set(other.manifest.cid, other.manifest.bytes);
    expect(await fetchAll()).toEqual({ manifests: 0, records: 0 });
    expect(db.get("SELECT status FROM anchors")).toEqual({ status: 2 });
    expect(listPending(db, 9)).toEqual([]);
  });

  it("is not a record that is too large: another peer may send the right bytes", async () => {
    const anchored = anchor(1, "a");
    failures.set(cidsOf(anchored)[0] ?? "", new ContentError("too-large", "It is too large."));
    await fetchAll();
    expect(listPending(db, 9)).toMatchObject([{ what: "record", attempts: 1, reason: "It is too large." }]);
  });

  it("is a block that is a record of no kind", async () => {
    const none = new Uint8Array([0xa0]);
    expect(() => checkRecord(none)).toThrow(expect.objectContaining({ code: "invalid-record" }));
    const contentId = contentIdOf(none);
    const leaves = [{ kind: "State" as const, contentId }];
    const manifest = encodeManifest({ schema: "witan/batch/1", author: NODE, leaves });
    const { root } = buildTree([leafOf(NODE, "State", contentId)]);
    const args = { author: NODE, root, sequence: 1n, count: 1n, manifest: manifest.contentId };
    writeEvents(db, [eventOf("Anchored", args)]);
    for (const [cid, bytes] of [
      [manifest.cid, manifest.bytes],
      [contentIdToCid(contentId), none],
    ] as const)
      blocks.set(cid, bytes);
    expect(await fetchAll()).toEqual({ manifests: 1, records: 0 });
    expect([touched, listPending(db, 9)]).toEqual([["listed", "invalid"], []]);
  });

  it("is a joint list that is not its root's; one that is away is awaited", async () => {
    const signature = `0x${"11".repeat(65)}` as const;
    const list = encodeJointManifest({
      schema: "witan/batches/1",
      batches: [{ index: 0, author: NODE, root: idOf("root"), count: 1, manifest: idOf("m"), signature }],
    });
    const joint = (manifest: string, blockNumber: number) =>
      eventOf(
        "JointlyAnchored",
        { root: idOf(`joint ${blockNumber}`), epoch: 1n, batches: 1n, manifest, deadline: 60n, authors: [1n] },
        { blockNumber },
      );
    writeEvents(db, [joint(list.contentId, 1), joint(idOf("away"), 2)]);
    blocks.set(contentIdToCid(list.contentId), list.bytes);
    expect(await fetchAll()).toEqual({ manifests: 0, records: 0 });
    expect(db.all("SELECT status, attempts FROM joints ORDER BY slot")).toEqual([
      { status: 2, attempts: 0 },
      { status: 0, attempts: 1 },
    ]);
  });
});

describe("a run that ends early", () => {
  it("fails with the store's own error, and blames no record for it", async () => {
    const anchored = anchor(1, "a");
    const broken = new ContentError("storage", "The disk is broken.");
    failures.set(cidsOf(anchored)[0] ?? "", broken);
    await expect(fetchAll()).rejects.toBe(broken);
    expect(listPending(db, 9)).toMatchObject([{ what: "record", attempts: 0, reason: null }]);
  });

  it("ends with the reason of its signal, and what was written stays", async () => {
    const anchored = anchor(1, "a");
    const controller = new AbortController();
    const run = fetchAll({ signal: controller.signal, onProgress: () => controller.abort(new Error("enough")) });
    await expect(run).rejects.toThrow("enough");
    expect(touched).toEqual(["listed"]);
    expect(await fetchAll()).toEqual({ manifests: 0, records: 1 });
    expect(fetched.filter((cid) => cid === anchored.manifest.cid)).toHaveLength(1);
  });
});

describe("the kind of a record's bytes", () => {
  it.each(["State", "Model", "Incident", "Outcome"] as const)("is found by what they are: %s", (kind) => {
    const { bytes } = encodeRecord(kind, samples[kind]);
    expect(checkRecord(bytes)).toEqual({ kind, value: samples[kind] });
  });
});

import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { beforeEach, describe, expect, it, onTestFinished } from "vitest";
import { RecordIndex } from "../../../../src/agent/replication/index/recordIndex.js";
import { INDEX_FILE } from "../../../../src/agent/replication/index/tables.js";
import { openDatabase } from "../../../../src/catalog/database/database.js";
import { writeMeta } from "../../../../src/catalog/database/meta.js";
import { createAnchorIndex } from "../../../../src/client/anchors/anchorIndex.js";
import {
  type Client,
  createClient,
  createClientContext,
  type FetchLeavesParameters,
  fetchLeaves,
  type ListAnchorsParameters,
  listAnchors,
} from "../../../../src/client/index.js";
import { createMemoryContent, type Pins } from "../../../../src/ports/content/index.js";
import { type ContentId, contentIdToCid } from "../../../../src/records/index.js";
import { createTestDao, incidentOf, type TestDao } from "../../../harness/dao.js";
import { temporaryFolder } from "../../../harness/folder.js";

const REMEMBERED = 4;
const ANCHORS = 12;
const { signal } = new AbortController();
/** Of a node that has pinned nothing yet. */
const pins = {
  get: async () => undefined,
  async *list() {},
} as unknown as Pins;

let dao: TestDao;
let blocks: Map<string, Uint8Array>;
let writer: Client;
let written: { readonly contentId: ContentId; readonly manifest: ContentId; readonly blockNumber: number }[];
beforeEach(async () => {
  dao = await createTestDao({ nodes: 2 });
  onTestFinished(() => dao.close());
  blocks = new Map();
  written = [];
  writer = createClient({ chain: dao.client().chain, content: createMemoryContent(blocks) });
  for (let i = 0; i < ANCHORS; i++) await anchor();
});

async function anchor(): Promise<void> {
  const value = incidentOf(`web/${written.length}`);
  const { blockNumber, records } = await writer.anchorRecords({ records: [{ kind: "Incident", value }] });
  const manifest = (await writer.listAnchors()).entries.at(-1)?.manifest;
  const [record] = records;
  if (record === undefined || manifest === undefined) throw new Error("nothing was anchored");
  written.push({ contentId: record.contentId, manifest, blockNumber });
}

/** The index of a node whose client remembers only a few anchors. */
function openIndex(path?: string): Promise<RecordIndex> {
  const context = createClientContext({ chain: writer.chain, content: writer.content });
  const anchors = createAnchorIndex({ ...context, maxAnchors: REMEMBERED });
  const client = {
    chain: writer.chain,
    listAnchors: (parameters?: ListAnchorsParameters) => listAnchors({ anchors }, parameters),
    fetchLeaves: (parameters: FetchLeavesParameters) => fetchLeaves({ anchors }, parameters),
  };
  return RecordIndex.open({ client, pins, path });
}

const idsOf = (records: Iterable<{ readonly contentId: ContentId }>) =>
  [...records].map(({ contentId }) => contentId).sort();
const listed = (from = 0) =>
  idsOf(written.slice(from).flatMap(({ contentId, manifest }) => [{ contentId }, { contentId: manifest }]));

describe("an index of more anchors than the client remembers", () => {
  it("has every record, and each new one once", async () => {
    const index = await openIndex();
    expect(idsOf(await index.update(signal))).toEqual(listed());
    expect(index.block).toBe(await writer.chain.blockNumber());
    expect(await index.update(signal)).toEqual([]);
    for (let i = 0; i < 2 * REMEMBERED; i++) await anchor();
    expect(idsOf(await index.update(signal))).toEqual(listed(ANCHORS));
    expect(idsOf(index.rows.pageById(0, 1_000))).toEqual(listed());
    for (const { blockNumber, contentId } of written) expect(index.find(contentId)?.block).toBe(blockNumber);
  });

  it("reports up to which block it is complete, and reads a late manifest whose anchor the client has forgotten", async () => {
    const [, late] = written;
    if (late === undefined) throw new Error("nothing was written");
    const cid = contentIdToCid(late.manifest);
    const bytes = blocks.get(cid) ?? new Uint8Array();
    blocks.delete(cid);
    const index = await openIndex();
    await index.update(signal);
    expect([index.unread, index.block]).toEqual([1, late.blockNumber - 1]);
    expect(index.find(late.contentId)).toBeUndefined();
    blocks.set(cid, bytes);
    const unread = async () => {
      await index.update(signal);
      return index.unread;
    };
    await expect.poll(unread).toBe(0);
    expect(index.block).toBe(await writer.chain.blockNumber());
    expect(idsOf(index.rows.pageById(0, 1_000))).toEqual(listed());
  });
});

describe("an index in a file", () => {
  const reads = { manifests: 0 };
  const reopen = async (path: string) => {
    const { fetchLeaves: fetch } = writer;
    reads.manifests = 0;
    const client = {
      ...writer,
      fetchLeaves: (parameters: FetchLeavesParameters) => {
        reads.manifests += 1;
        return fetch(parameters);
      },
    };
    const index = await RecordIndex.open({ client, pins, path });
    onTestFinished(() => index.close());
    return index;
  };

  it("is not read from the chain again after a restart, but for what is new", async () => {
    const path = join(temporaryFolder(), "replication.db");
    const first = await reopen(path);
    await first.update(signal);
    first.close();
    await anchor();
    const again = await reopen(path);
    expect(idsOf(again.rows.pageById(0, 1_000))).toEqual(
      idsOf(written.slice(0, ANCHORS).flatMap(({ contentId, manifest }) => [{ contentId }, { contentId: manifest }])),
    );
    expect(idsOf(await again.update(signal))).toEqual(listed(ANCHORS));
    expect(reads.manifests).toBe(1);
  });

  it("holds after a restart what is pinned then, whatever it held before", async () => {
    const path = join(temporaryFolder(), "replication.db");
    const first = await reopen(path);
    await first.update(signal);
    const [lost, found] = written;
    if (lost === undefined || found === undefined) throw new Error("nothing was written");
    const row = first.find(lost.contentId);
    if (row !== undefined) first.rows.hold(row, 10);
    first.close();
    const cid = contentIdToCid(found.contentId);
    const pinned = { name: `replica/${cid}`, cid, reason: "replica", scope: "block", since: 0 } as const;
    const list = async function* () {
      yield pinned;
    };
    const again = await RecordIndex.open({ client: writer, path, pins: { get: async () => undefined, list } });
    onTestFinished(() => again.close());
    expect([lost, found].map(({ contentId }) => again.find(contentId)?.isHeld)).toEqual([false, true]);
  });

  it.each(["damaged", "of another chain"])("is built anew if it is %s", async (fault) => {
    const path = join(temporaryFolder(), "replication.db");
    const first = await reopen(path);
    await first.update(signal);
    first.close();
    if (fault === "damaged") await writeFile(path, Buffer.alloc(8_192, 7));
    else {
      const db = await openDatabase(path, INDEX_FILE);
      writeMeta(db, "seen", `1 0x${"ab".repeat(32)}`);
      db.close();
    }
    const again = await reopen(path);
    expect(again.rows.pageById(0, 10)).toEqual([]);
    expect(idsOf(await again.update(signal))).toEqual(listed());
  });
});

import { beforeEach, describe, expect, it, onTestFinished } from "vitest";
import { RecordIndex } from "../../../src/agent/replication/recordIndex.js";
import { createAnchorIndex } from "../../../src/client/anchors/anchorIndex.js";
import { type Client, createClient } from "../../../src/client/index.js";
import { createMemoryContent, type Pins } from "../../../src/ports/content/index.js";
import { type ContentId, contentIdToCid } from "../../../src/records/index.js";
import { createTestDao, incidentOf, type TestDao } from "../../harness/dao.js";

const REMEMBERED = 4;
const ANCHORS = 12;
const { signal } = new AbortController();
/** Of a node that keeps nothing yet. */
const roots = { get: async () => undefined } as unknown as Pins;

let setting: TestDao;
let blocks: Map<string, Uint8Array>;
let writer: Client;
let written: { readonly contentId: ContentId; readonly manifest: ContentId; readonly blockNumber: number }[];
beforeEach(async () => {
  setting = await createTestDao({ nodes: 2 });
  onTestFinished(() => setting.close());
  blocks = new Map();
  written = [];
  writer = createClient({ chain: setting.client().chain, content: createMemoryContent(blocks) });
  for (let i = 0; i < ANCHORS; i++) await anchor();
});

async function anchor(): Promise<void> {
  const value = incidentOf(`web/${written.length}`);
  const { blockNumber, records } = await writer.anchorRecords({ records: [{ kind: "Incident", value }] });
  const manifest = (await writer.anchors.anchors()).entries.at(-1)?.manifest;
  const [record] = records;
  if (record === undefined || manifest === undefined) throw new Error("nothing was anchored");
  written.push({ contentId: record.contentId, manifest, blockNumber });
}

/** The book of a node whose client remembers a few anchors only. */
function openBook(): RecordIndex {
  const client = createClient({ chain: writer.chain, content: writer.content });
  const anchors = createAnchorIndex({ ...client, maxAnchors: REMEMBERED });
  return new RecordIndex({ client: { ...client, anchors }, roots });
}

const idsOf = (records: Iterable<{ readonly contentId: ContentId }>) =>
  [...records].map(({ contentId }) => contentId).sort();
const listed = (from = 0) =>
  idsOf(written.slice(from).flatMap(({ contentId, manifest }) => [{ contentId }, { contentId: manifest }]));

describe("a book of more anchors than the client remembers", () => {
  it("has every record, and each new one once", async () => {
    const book = openBook();
    expect(idsOf(await book.update(signal))).toEqual(listed());
    expect(book.block).toBe(await writer.chain.blockNumber());
    expect(await book.update(signal)).toEqual([]);
    for (let i = 0; i < 2 * REMEMBERED; i++) await anchor();
    expect(idsOf(await book.update(signal))).toEqual(listed(ANCHORS));
    expect(idsOf(book.records())).toEqual(listed());
    for (const { blockNumber, contentId } of written) expect(book.find(contentId)?.block).toBe(blockNumber);
  });

  it("says up to where it is whole, and reads a list that came late, though its anchor is forgotten", async () => {
    const [, late] = written;
    if (late === undefined) throw new Error("nothing was written");
    const cid = contentIdToCid(late.manifest);
    const bytes = blocks.get(cid) ?? new Uint8Array();
    blocks.delete(cid);
    const book = openBook();
    await book.update(signal);
    expect([book.unread, book.block]).toEqual([1, late.blockNumber - 1]);
    expect(book.find(late.contentId)).toBeUndefined();
    blocks.set(cid, bytes);
    const unread = async () => {
      await book.update(signal);
      return book.unread;
    };
    await expect.poll(unread, { timeout: 10_000 }).toBe(0);
    expect(book.block).toBe(await writer.chain.blockNumber());
    expect(idsOf(book.records())).toEqual(listed());
  });
});

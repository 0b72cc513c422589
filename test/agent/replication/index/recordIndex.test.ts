import { beforeEach, describe, expect, it, onTestFinished } from "vitest";
import { RecordIndex } from "../../../../src/agent/replication/index/recordIndex.js";
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

const REMEMBERED = 4;
const ANCHORS = 12;
const { signal } = new AbortController();
/** Of a node that has pinned nothing yet. */
const pins = { get: async () => undefined } as unknown as Pins;

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

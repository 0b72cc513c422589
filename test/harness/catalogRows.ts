import { onTestFinished } from "vitest";
import { dueAnchors } from "../../src/catalog/content/awaited.js";
import { ContentWriter, type Touched } from "../../src/catalog/content/contentRows.js";
import { type Database, openDatabase } from "../../src/catalog/database/database.js";
import { readProgress } from "../../src/catalog/database/meta.js";
import { type FollowedChunk, type FollowedEvent, writeChunk } from "../../src/catalog/sync/chainRows.js";
import type { NewRecord } from "../../src/client/index.js";
import { buildTree, encodeManifest, encodeRecord, type Incident, leafOf } from "../../src/records/index.js";
import { NODE, incident as resolvedIncident } from "../records/samples.js";
import { eventOf, headerOf } from "./events.js";

/** The first block of the deployments of these tests. */
export const DEPLOYED_AT = 1;

/** An empty catalog in memory, until the test ends. */
export async function openRows(): Promise<Database> {
  const db = await openDatabase(":memory:");
  onTestFinished(() => db.close());
  return db;
}

/** Events as a chain gives them, from one block through another. */
export function chunkOf(events: readonly FollowedEvent[], fromBlock: number, through: number): FollowedChunk {
  const numbers = [...new Set(events.map(({ blockNumber }) => blockNumber))];
  return {
    fromBlock,
    last: headerOf(through),
    parentHash: headerOf(fromBlock - 1).hash,
    events,
    blocks: numbers.map((number) => headerOf(number)),
  };
}

/** Writes what happened since the last call, up to the newest of the events or to a block after it. */
export function writeEvents(db: Database, events: readonly FollowedEvent[], through?: number): void {
  const { block } = readProgress(db, DEPLOYED_AT);
  const to = through ?? Math.max(...events.map(({ blockNumber }) => blockNumber));
  db.transaction(() => writeChunk(db, chunkOf(events, block + 1, to), { block: to, head: to, finalized: null }));
}

/** A report of a trouble. */
export const reportOf = (subject: string, change: Partial<Incident> = {}): NewRecord => ({
  kind: "Incident",
  value: { ...resolvedIncident, resolution: null, subject, ...change },
});

/** The event that anchors records, and the blocks that it stands for. */
export function anchorOf(block: number, records: readonly NewRecord[], { author = NODE, log = 0, sequence = 1 } = {}) {
  const encoded = records.map(({ kind, value }) => encodeRecord(kind, value));
  const leaves = encoded.map(({ kind, contentId }) => ({ kind, contentId }));
  const manifest = encodeManifest({ schema: "witan/batch/1", author, leaves });
  const { root } = buildTree(encoded.map(({ kind, contentId }) => leafOf(author, kind, contentId)));
  const args = { author, root, sequence: BigInt(sequence), count: BigInt(leaves.length), manifest: manifest.contentId };
  const event = eventOf("Anchored", args, { blockNumber: block, logIndex: log });
  return { event, author, root, leaves, manifest, encoded, records };
}

export type AnchoredRows = ReturnType<typeof anchorOf>;

/** Lists and checks what anchors stand for, as a sync does that has fetched it all. Returns the records that changed. */
export function takeIn(db: Database, anchors: readonly AnchoredRows[]): readonly Touched[] {
  const writer = new ContentWriter(db);
  db.transaction(() => {
    for (const due of dueAnchors(db, Number.MAX_SAFE_INTEGER, 1_000)) {
      const anchor = anchors.find(({ author, root }) => author === due.author && root === due.root);
      if (anchor !== undefined) writer.listRecords(due, anchor.leaves);
    }
    for (const { records, encoded } of anchors) {
      for (const [i, { contentId }] of encoded.entries()) writer.writeContent(contentId, records[i] as NewRecord);
    }
    writer.finish();
  });
  return writer.touched;
}

/** Writes anchors and what they stand for. */
export function writeAnchors(db: Database, anchors: readonly AnchoredRows[], through?: number): readonly Touched[] {
  writeEvents(
    db,
    anchors.map(({ event }) => event),
    through,
  );
  return takeIn(db, anchors);
}

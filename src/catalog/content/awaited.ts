import { type Address, contentIdToCid, type Hex } from "../../records/index.js";
import { retryDelay } from "../../utils/timing/retryDelay.js";
import { addressOfBlob, blobOf, hexOfBlob } from "../database/blobs.js";
import type { Database } from "../database/database.js";
import { PLACES } from "../database/schema.js";
import { RecordStatus } from "../status.js";
import type { AwaitedAnchor } from "./contentRows.js";

/** The first pause after a failure; each further one doubles it. */
export const FIRST_RETRY_MS = 2_000;
/** The longest pause, however often a fetch has failed. */
export const MAX_RETRY_MS = 300_000;

/** A manifest or record that is anchored but could not be fetched so far. */
export interface PendingContent {
  readonly what: "manifest" | "record";
  readonly cid: string;
  /** The anchor's author; of a record, the first author that listed it; null for the manifest of a joint anchor. */
  readonly author: Address | null;
  readonly root: Hex;
  readonly attempts: number;
  /** Why the last attempt failed; null before the first. */
  readonly reason: string | null;
  /** Not fetched before this wall time, in milliseconds since the Unix epoch. */
  readonly dueAt: number;
}

export function dueAnchors(db: Database, now: number, limit: number): AwaitedAnchor[] {
  return db
    .all<{ slot: number; author: Uint8Array; root: Uint8Array; count: number; manifest: Uint8Array; attempts: number }>(
      `SELECT slot, author, root, count, manifest, attempts FROM anchors INDEXED BY anchors_due
        WHERE status = 0 AND due <= ? ORDER BY due, slot LIMIT ?`,
      now,
      limit,
    )
    .map(({ author, root, manifest, ...rest }) => ({
      ...rest,
      author: addressOfBlob(author),
      root: hexOfBlob(root),
      manifest: hexOfBlob(manifest),
    }));
}

export function dueContents(db: Database, now: number, limit: number): { contentId: Hex; attempts: number }[] {
  return db
    .all<{ content_id: Uint8Array; attempts: number }>(
      `SELECT content_id, attempts FROM contents INDEXED BY contents_due
        WHERE status = 0 AND due <= ? ORDER BY due, id LIMIT ?`,
      now,
      limit,
    )
    .map(({ content_id, attempts }) => ({ contentId: hexOfBlob(content_id), attempts }));
}

export function postponeAnchor(
  db: Database,
  { slot, root, attempts }: AwaitedAnchor,
  reason: string,
  now: number,
): void {
  db.run(
    "UPDATE anchors SET attempts = ?, due = ?, reason = ? WHERE slot = ? AND root = ? AND status = 0",
    attempts + 1,
    now + retryDelay(attempts + 1, FIRST_RETRY_MS, MAX_RETRY_MS),
    reason,
    slot,
    blobOf(root),
  );
}

export function postponeContent(db: Database, contentId: Hex, attempts: number, reason: string, now: number): void {
  const row = db.get<{ id: number }>(
    "UPDATE contents SET attempts = ?, due = ?, reason = ? WHERE content_id = ? AND status = 0 RETURNING id",
    attempts + 1,
    now + retryDelay(attempts + 1, FIRST_RETRY_MS, MAX_RETRY_MS),
    reason,
    blobOf(contentId),
  );
  if (row !== undefined && attempts === 0) {
    db.run("UPDATE records SET status = ? WHERE content = ?", RecordStatus.missing, row.id);
  }
}

/** Makes due at once what would wait for longer than the longest pause: the wall clock was set back since the due time was written. */
export function shortenWaits(db: Database, now: number): void {
  for (const table of ["joints", "anchors", "contents"]) {
    db.run(`UPDATE ${table} SET due = 0 WHERE status = 0 AND due > ?`, now + MAX_RETRY_MS);
  }
}

/** Makes due at once everything that has failed so far. */
export function makeAllDue(db: Database): void {
  db.run("UPDATE joints SET due = 0 WHERE status = 0 AND due > 0");
  db.run("UPDATE anchors SET due = 0 WHERE status = 0 AND due > 0");
  db.run("UPDATE contents SET due = 0 WHERE status = 0 AND due > 0");
}

/** Manifests and records that were not fetched so far: manifests first, in the order in which they are fetched next. */
export function listPending(db: Database, limit: number): PendingContent[] {
  interface Row {
    what: "manifest" | "record";
    content_id: Uint8Array;
    author: Uint8Array | null;
    root: Uint8Array;
    attempts: number;
    reason: string | null;
    due: number;
  }
  const joints = db.all<Row>(
    `SELECT 'manifest' AS what, manifest AS content_id, NULL AS author, root, attempts, reason, due
       FROM joints INDEXED BY joints_due WHERE status = 0 ORDER BY due, slot LIMIT ?`,
    limit,
  );
  const manifests = db.all<Row>(
    `SELECT 'manifest' AS what, manifest AS content_id, author, root, attempts, reason, due
       FROM anchors INDEXED BY anchors_due WHERE status = 0 ORDER BY due, slot LIMIT ?`,
    limit - joints.length,
  );
  const records = db.all<Row>(
    `SELECT 'record' AS what, c.content_id AS content_id, a.author AS author, a.root AS root, c.attempts AS attempts,
            c.reason AS reason, c.due AS due
       FROM contents c INDEXED BY contents_due
       CROSS JOIN anchors a ON a.slot = (SELECT min(position) FROM records r WHERE r.content = c.id) / ${PLACES}
      WHERE c.status = 0 ORDER BY c.due, c.id LIMIT ?`,
    limit - joints.length - manifests.length,
  );
  return [...joints, ...manifests, ...records].map((row) => ({
    what: row.what,
    cid: contentIdToCid(hexOfBlob(row.content_id)),
    author: row.author && addressOfBlob(row.author),
    root: hexOfBlob(row.root),
    attempts: row.attempts,
    reason: row.reason,
    dueAt: row.due,
  }));
}

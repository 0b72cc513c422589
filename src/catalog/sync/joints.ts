import type { ChainEventOf } from "../../ports/chain/index.js";
import type { Hex, JointBatch } from "../../records/index.js";
import { retryDelay } from "../../utils/timing/retryDelay.js";
import { FIRST_RETRY_MS, MAX_RETRY_MS } from "../content/awaited.js";
import { blobOf, hexOfBlob } from "../database/blobs.js";
import type { Database } from "../database/database.js";
import { FetchStatus } from "../status.js";

/** A joint anchor whose manifest, the list of its batches, was not fetched yet. */
export interface AwaitedJoint {
  readonly slot: number;
  readonly root: Hex;
  /** Batches under the root. */
  readonly batches: number;
  readonly manifest: Hex;
  readonly attempts: number;
}

const WORD_BYTES = 32;

/**
 * Writes authors of a joint anchor. Which batches count is known once its manifest was fetched. Authors that join the same
 * anchor later have a row of their own.
 */
export function writeJoint(db: Database, slot: number, event: ChainEventOf<"JointlyAnchored">): void {
  const { root, epoch, batches, manifest, authors } = event.args;
  const words = authors.map(
    (word) =>
      `${BigInt(word)
        .toString(16)
        .padStart(2 * WORD_BYTES, "0")}`,
  );
  db.run(
    `INSERT INTO joints (slot, block, log, tx, root, epoch, batches, manifest, authors, status, attempts, due)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 0, 0, 0)`,
    ...[slot, event.blockNumber, event.logIndex, blobOf(event.transactionHash), blobOf(root), Number(epoch)],
    ...[Number(batches), blobOf(manifest), Buffer.from(words.join(""), "hex")],
  );
}

/** Writes which agent has an index of the registry: each index is given once. */
export function writeAgent(db: Database, slot: number, index: number, agent: string): void {
  db.run("INSERT INTO agents (slot, position, agent) VALUES (?, ?, ?)", slot, index, blobOf(agent));
}

export function dueJoints(db: Database, now: number, limit: number): AwaitedJoint[] {
  return db
    .all<{ slot: number; root: Uint8Array; batches: number; manifest: Uint8Array; attempts: number }>(
      `SELECT slot, root, batches, manifest, attempts FROM joints INDEXED BY joints_due
        WHERE status = 0 AND due <= ? ORDER BY due, slot LIMIT ?`,
      now,
      limit,
    )
    .map(({ root, manifest, ...rest }) => ({ ...rest, root: hexOfBlob(root), manifest: hexOfBlob(manifest) }));
}

export function postponeJoint(db: Database, { slot, root, attempts }: AwaitedJoint, reason: string, now: number): void {
  db.run(
    "UPDATE joints SET attempts = ?, due = ?, reason = ? WHERE slot = ? AND root = ? AND status = 0",
    attempts + 1,
    now + retryDelay(attempts + 1, FIRST_RETRY_MS, MAX_RETRY_MS),
    reason,
    ...[slot, blobOf(root)],
  );
}

/**
 * Writes the batches of a joint anchor as anchors of their authors, each in a slot after the joint anchor's own. A batch whose
 * author has not signed is left out. Does nothing if a reorganisation has removed the joint anchor meanwhile.
 */
export function listJoint(db: Database, joint: AwaitedJoint, batches: readonly JointBatch[]): void {
  if (!setStatus(db, joint, FetchStatus.valid, null)) return;
  const row = db.get<{ block: number; log: number; tx: Uint8Array; authors: Uint8Array }>(
    "SELECT block, log, tx, authors FROM joints WHERE slot = ?",
    joint.slot,
  );
  if (row === undefined) return;
  for (const [place, { author, count, index, manifest, root }] of batches.entries()) {
    if (!isSet(row.authors, index)) continue;
    const indices = db.all<{ position: number }>("SELECT position FROM agents WHERE agent = ?", blobOf(author));
    if (!indices.some(({ position }) => position === index)) continue;
    db.run(
      `INSERT INTO anchors (slot, block, log, tx, author, root, sequence, count, manifest, joint, status, attempts, due)
       VALUES (?, ?, ?, ?, ?, ?, NULL, ?, ?, ?, 0, 0, 0)`,
      ...[joint.slot + 1 + place, row.block, row.log, row.tx, blobOf(author), blobOf(root), count, blobOf(manifest)],
      joint.slot,
    );
  }
}

/** Marks a joint anchor invalid for good, because its manifest does not match it. */
export function refuseJoint(db: Database, joint: AwaitedJoint, reason: string): void {
  setStatus(db, joint, FetchStatus.invalid, reason);
}

/** Changes only the joint anchor with this root: a reorganisation may have given the slot to another. */
function setStatus(db: Database, { slot, root }: AwaitedJoint, status: number, reason: string | null): boolean {
  const sql = "UPDATE joints SET status = ?, reason = ? WHERE slot = ? AND status = 0 AND root = ?";
  return db.run(sql, status, reason, slot, blobOf(root)) > 0;
}

function isSet(words: Uint8Array, index: number): boolean {
  const byte = words[(index >> 8) * WORD_BYTES + (WORD_BYTES - 1 - ((index & 0xff) >> 3))] ?? 0;
  return ((byte >> (index & 7)) & 1) === 1;
}

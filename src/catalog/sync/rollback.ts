import type { Database } from "../database/database.js";
import { type Progress, writeProgress } from "../database/meta.js";
import { PLACES } from "../database/schema.js";
import { refreshIncident } from "../queries/incidents.js";

/**
 * Removes everything from blocks above `progress.block`, as part of the caller's transaction. The catalog is then as if it had
 * never read those blocks.
 */
export function rollBack(db: Database, progress: Progress): void {
  const { block } = progress;
  const slot = firstSlotAbove(db, block);
  if (slot !== undefined) removeFrom(db, slot);
  db.run("DELETE FROM blocks WHERE number > ?", block);
  db.run("DELETE FROM journal WHERE number > ?", block);
  writeProgress(db, progress);
}

/** The first slot in the blocks above this one; undefined if nothing was read from them. */
export function firstSlotAbove(db: Database, block: number): number | undefined {
  const slots = ["anchors", "joints", "events"].flatMap((table) => {
    const row = db.get<{ slot: number }>(
      `SELECT slot FROM ${table} WHERE block > ? ORDER BY block, log LIMIT 1`,
      block,
    );
    return row === undefined ? [] : [row.slot];
  });
  return slots.length === 0 ? undefined : Math.min(...slots);
}

function removeFrom(db: Database, slot: number): void {
  const position = slot * PLACES;
  const incidents = db.all<{ fingerprint: Uint8Array }>(
    `SELECT DISTINCT fingerprint FROM records WHERE position >= ?1 AND fingerprint IS NOT NULL
     UNION SELECT fingerprint FROM resolutions WHERE slot >= ?2`,
    position,
    slot,
  );
  const contents = db.all<{ content: number }>("SELECT DISTINCT content FROM records WHERE position >= ?", position);

  if (db.hasFullText) db.run("DELETE FROM texts WHERE rowid >= ?", position);
  db.run("DELETE FROM subjects WHERE position >= ?", position);
  db.run("DELETE FROM records WHERE position >= ?", position);
  db.run("DELETE FROM resolutions WHERE slot >= ?", slot);
  db.run("DELETE FROM evidence WHERE slot >= ?", slot);
  db.run("DELETE FROM acceptances WHERE slot >= ?", slot);
  db.run("DELETE FROM events WHERE slot >= ?", slot);
  db.run("DELETE FROM anchors WHERE slot >= ?", slot);
  db.run("DELETE FROM joints WHERE slot >= ?", slot);
  db.run("DELETE FROM agents WHERE slot >= ?", slot);
  for (const { content } of contents) forgetUnlessListed(db, content);
  for (const { fingerprint } of incidents) refreshIncident(db, fingerprint);
}

/** Deletes a content that no record refers to any more, with its parents and resolutions. */
function forgetUnlessListed(db: Database, content: number): void {
  if (db.get("SELECT 1 FROM records WHERE content = ? LIMIT 1", content) !== undefined) return;
  db.run("DELETE FROM parents WHERE child = (SELECT content_id FROM contents WHERE id = ?)", content);
  db.run("DELETE FROM resolutions WHERE content = ?", content);
  db.run("DELETE FROM contents WHERE id = ?", content);
}

import type { Database } from "../database/database.js";
import { type Progress, writeProgress } from "../database/meta.js";
import { PLACES } from "../database/schema.js";
import { refreshIncident } from "../queries/incidents.js";
import { deleteUnlessListed } from "../retention/contents.js";
import { rollBackSummaries } from "../retention/forget.js";
import { releaseUsage } from "../retention/usage.js";
import { firstSlotAbove } from "./slots.js";

/**
 * Removes everything from blocks above `progress.block`, as part of the caller's transaction. The catalog is then as if it had
 * never read those blocks. They begin with a day, if the states of days are forgotten: see `rollbackTarget`.
 */
export function rollBack(db: Database, progress: Progress): void {
  const { block } = progress;
  const slot = firstSlotAbove(db, block);
  if (slot !== undefined) removeFrom(db, slot);
  rollBackSummaries(db, block);
  db.run("DELETE FROM blocks WHERE number > ?", block);
  db.run("DELETE FROM journal WHERE number > ?", block);
  writeProgress(db, progress);
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

  releaseUsage(db, "r.position >= ?", position);
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
  for (const { content } of contents) deleteUnlessListed(db, content);
  for (const { fingerprint } of incidents) refreshIncident(db, fingerprint);
}

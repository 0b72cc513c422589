import { RecordKinds } from "../../records/index.js";
import type { Database } from "../database/database.js";
import { PLACES } from "../database/schema.js";
import { FetchStatus, RecordStatus } from "../status.js";
import { firstSlotAbove } from "../sync/slots.js";
import { deleteUnlessListed } from "./contents.js";
import { releaseUsage } from "./usage.js";

const STATE = RecordKinds.indexOf("State");
const DAY_SECONDS = 86_400;
/** In the table `summaries`: of states that were not verified. */
const UNVERIFIED = -1;

/** A day by the chain's time, in days since 1970, and the blocks that stand for it. */
interface ForgottenDay {
  readonly day: number;
  readonly first: number;
  readonly last: number;
}

/**
 * Forgets some states of the oldest day that lies in blocks up to `through`, all of them final: they are counted by author,
 * day and named state instead. Of joint anchors the anchor stays, and the batches go that list nothing else. States that a
 * proposal or directive cites stay.
 *
 * @param limit The most rows of a kind that it deletes.
 * @returns Whether there is more to forget.
 */
export function forgetStates(db: Database, through: number, limit: number): boolean {
  return db.transaction(() => {
    const day = nextDay(db, through);
    if (day === undefined) return false;
    const from = firstSlotAbove(db, day.first - 1);
    const to = firstSlotAbove(db, day.last) ?? Number.MAX_SAFE_INTEGER;
    if (from !== undefined && from < to) {
      if (forgetRecords(db, day, from * PLACES, Math.min(to * PLACES, Number.MAX_SAFE_INTEGER), limit) === limit)
        return true;
      if (forgetBatches(db, day, from, to, limit) === limit) return true;
      // Nobody has the manifest any more: its batches were states.
      const sql = "UPDATE joints SET status = ? WHERE status = ? AND slot >= ? AND slot < ?";
      db.run(sql, FetchStatus.forgotten, FetchStatus.awaited, from, to);
    }
    db.run("UPDATE forgotten_days SET done = 1 WHERE day = ?", day.day);
    return true;
  });
}

/** The newest block of the days that are forgotten, or are being forgotten; -1 before the first. */
export function lastForgottenBlock(db: Database): number {
  return db.get<{ last: number | null }>("SELECT max(last) AS last FROM forgotten_days")?.last ?? -1;
}

/**
 * The block to roll back to, if all above `block` is to be removed: `block`, or the last one of the day before if the states of
 * its day are forgotten, so that they are counted once when the day is read again.
 */
export function rollbackTarget(db: Database, block: number): number {
  const sql = "SELECT min(first) AS first FROM forgotten_days WHERE last > ?";
  const first = db.get<{ first: number | null }>(sql, block)?.first ?? block + 1;
  return Math.min(block, first - 1);
}

/** Removes what was counted of days above a block, which no day includes: see {@link rollbackTarget}. */
export function rollBackSummaries(db: Database, block: number): void {
  db.run("DELETE FROM summaries WHERE day IN (SELECT day FROM forgotten_days WHERE last > ?)", block);
  db.run("DELETE FROM forgotten_days WHERE last > ?", block);
}

/** The day that is being forgotten, or the next one once all of its blocks may be. */
function nextDay(db: Database, through: number): ForgottenDay | undefined {
  const underWay = db.get<ForgottenDay>("SELECT day, first, last FROM forgotten_days WHERE done = 0");
  if (underWay !== undefined) return underWay.last < through ? underWay : undefined;
  const before = lastForgottenBlock(db);
  const sql = "SELECT number, time FROM blocks WHERE number > ? ORDER BY number LIMIT 1";
  const block = db.get<{ number: number; time: number }>(sql, before);
  if (block === undefined) return undefined;
  const day = Math.floor(block.time / DAY_SECONDS);
  const next = db.get<{ number: number }>(
    "SELECT number FROM blocks INDEXED BY blocks_by_time WHERE time >= ? ORDER BY time, number LIMIT 1",
    (day + 1) * DAY_SECONDS,
  );
  if (next === undefined || next.number > through) return undefined;
  const found = { day, first: before + 1, last: next.number - 1 };
  db.run("INSERT INTO forgotten_days (day, first, last, done) VALUES (?, ?, ?, 0)", day, found.first, found.last);
  return found;
}

/** Forgets states at these positions; returns how many. */
function forgetRecords(db: Database, { day }: ForgottenDay, from: number, to: number, limit: number): number {
  const rows = db.all<{ position: number; author: Uint8Array; status: number; state: number | null; content: number }>(
    `SELECT position, author, status, state, content FROM records r INDEXED BY records_by_kind
      WHERE kind = ? AND position >= ? AND position < ? AND NOT EXISTS (
        SELECT 1 FROM contents c JOIN evidence e ON e.content_id = c.content_id WHERE c.id = r.content)
      ORDER BY position LIMIT ?`,
    ...[STATE, from, to, limit],
  );
  const positions = JSON.stringify(rows.map(({ position }) => position));
  releaseUsage(db, "r.position IN (SELECT value FROM json_each(?))", positions);
  db.run("DELETE FROM records WHERE position IN (SELECT value FROM json_each(?))", positions);
  for (const { content } of rows) deleteUnlessListed(db, content);
  for (const { author, state, status } of rows) {
    count(db, author, day, status === RecordStatus.verified && state !== null ? state : UNVERIFIED, 1);
  }
  return rows.length;
}

/** Forgets batches of joint anchors that list nothing any more, or were never read; returns how many. */
function forgetBatches(db: Database, { day }: ForgottenDay, from: number, to: number, limit: number): number {
  const rows = db.all<{ author: Uint8Array; count: number; status: number }>(
    `DELETE FROM anchors WHERE slot IN (
       SELECT slot FROM anchors a WHERE slot >= ? AND slot < ? AND joint IS NOT NULL AND NOT EXISTS (
         SELECT 1 FROM records r WHERE r.position >= a.slot * ${PLACES} AND r.position < (a.slot + 1) * ${PLACES})
       LIMIT ?) RETURNING author, count, status`,
    ...[from, to, limit],
  );
  for (const row of rows) if (row.status === FetchStatus.awaited) count(db, row.author, day, UNVERIFIED, row.count);
  return rows.length;
}

function count(db: Database, author: Uint8Array, day: number, state: number, records: number): void {
  db.run(
    `INSERT INTO summaries (author, day, state, records) VALUES (?, ?, ?, ?)
     ON CONFLICT (author, day, state) DO UPDATE SET records = records + excluded.records`,
    ...[author, day, state, records],
  );
}

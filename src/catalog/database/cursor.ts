import { InvalidInputError } from "../../errors.js";
import { shortened } from "../../utils/text/decode.js";
import type { Database } from "./database.js";
import { BATCHES, PLACES } from "./schema.js";

/**
 * A cursor names a place on the chain (block, log, batch, place in the batch), not a row: rows that are inserted, removed or
 * renumbered between two pages do not move it.
 */
const CURSOR = /^(\d{1,10})-(\d{1,7})-(\d{1,5})-(\d{1,4})$/;

export function cursorOf(position: number, block: number, log: number): string {
  const slot = Math.floor(position / PLACES);
  return `${block}-${log}-${slot % BATCHES}-${position % PLACES}`;
}

/**
 * The rows of the next page are below this position; undefined if the catalog has nothing at or after the cursor: then all rows are.
 *
 * @throws {@link InvalidInputError} if it is no cursor.
 */
export function positionBelow(db: Database, cursor: string): number | undefined {
  const match = CURSOR.exec(cursor);
  if (match === null) throw new InvalidInputError(`Not a cursor: ${shortened(cursor, 64)}`);
  const [block = 0, log = 0, batch = 0, place = 0] = match.slice(1).map(Number);
  const slot = slotAt(db, block, log);
  if (slot === undefined) return undefined;
  const there = slot.block === block && slot.log === log;
  return there ? (slot.slot - (slot.slot % BATCHES) + batch) * PLACES + place : slot.slot * PLACES;
}

/** The first slot at this log or after it. */
function slotAt(db: Database, block: number, log: number) {
  const rows = ["anchors", "events"].flatMap((table) => {
    const row = db.get<{ slot: number; block: number; log: number }>(
      `SELECT slot, block, log FROM ${table} WHERE (block, log) >= (?, ?) ORDER BY block, log, slot LIMIT 1`,
      block,
      log,
    );
    return row === undefined ? [] : [row];
  });
  return rows.sort((a, b) => a.slot - b.slot)[0];
}

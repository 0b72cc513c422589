import type { Database } from "../database/database.js";

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

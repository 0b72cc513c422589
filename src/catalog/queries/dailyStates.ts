import { type Address, type NamedState, NamedStates } from "../../records/index.js";
import { addressOfBlob, blobOf } from "../database/blobs.js";
import type { Database } from "../database/database.js";

const DAY_SECONDS = 86_400;

export interface DailyStatesQuery {
  readonly author?: Address | undefined;
  /** Days that begin at this time or later, and before the other, in seconds by the chain's time. */
  readonly since?: number | undefined;
  readonly until?: number | undefined;
  /** The most summaries; 50 by default. */
  readonly limit?: number | undefined;
}

/** What a catalog knows of one author's states of one day once it keeps them no more. Their anchors stay on chain. */
export interface DailyStates {
  readonly author: Address;
  /** When the day begins, in seconds by the chain's time. */
  readonly day: number;
  /** How many states there were of each name. */
  readonly states: Readonly<Partial<Record<NamedState, number>>>;
  /** How many were listed and not verified: nobody had their bytes, or they were invalid. */
  readonly unverified: number;
}

/** The newest day first. */
export function listDailyStates(
  db: Database,
  { author, since = 0, until = Number.MAX_SAFE_INTEGER }: DailyStatesQuery,
  limit: number,
): DailyStates[] {
  const days = [Math.ceil(since / DAY_SECONDS), Math.ceil(until / DAY_SECONDS)];
  const rows = db.all<{ author: Uint8Array; day: number; states: string }>(
    `SELECT author, day, json_group_object(state, records) AS states FROM summaries
      WHERE day >= ? AND day < ? ${author === undefined ? "" : "AND author = ?"}
      GROUP BY day, author ORDER BY day DESC, author LIMIT ?`,
    ...[...days, ...(author === undefined ? [] : [blobOf(author)]), limit],
  );
  return rows.map((row) => {
    const counts = Object.entries(JSON.parse(row.states) as Record<string, number>);
    const named = counts.flatMap(([state, records]) => {
      const name = NamedStates[Number(state)];
      return name === undefined ? [] : [[name, records]];
    });
    return {
      author: addressOfBlob(row.author),
      day: row.day * DAY_SECONDS,
      states: Object.fromEntries(named) as DailyStates["states"],
      unverified: counts.find(([state]) => Number(state) < 0)?.[1] ?? 0,
    };
  });
}

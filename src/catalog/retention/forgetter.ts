import type { Clock } from "../../utils/clock.js";
import type { Database } from "../database/database.js";
import { forgetStates } from "./forget.js";

/** States are forgotten by days, so there is seldom anything to do. */
const EVERY_MS = 600_000;
/** Rows of one transaction: it takes some 20 ms, during which the process does nothing else. */
const ROWS = 250;
/** Between two transactions, so that other work gets the machine. */
const PAUSE_MS = 20;
/** Of 4 KB each, given back to the disk after a transaction. */
const SHRUNK_PAGES = 1_000;

/** Says which states a catalog may forget. */
export interface CatalogRetention {
  /** The newest block whose states need not be kept; -1 if no block is so old. Only final blocks are forgotten. */
  readForgottenBlock(): Promise<number>;
}

interface ForgetterDependencies {
  readonly db: Database;
  readonly clock: Pick<Clock, "monotonic" | "sleep">;
  /** Without it nothing is forgotten. */
  readonly retention: CatalogRetention | undefined;
  /** The newest block that no reorganisation removes. */
  readonly finalBlock: () => number;
}

/** Forgets the states that need not be kept, at most every ten minutes, and gives the room back to the disk. */
export function createForgetter(dependencies: ForgetterDependencies): (signal: AbortSignal) => Promise<void> {
  const { clock, db, finalBlock, retention } = dependencies;
  let dueAt = Number.NEGATIVE_INFINITY;
  return async (signal) => {
    if (retention === undefined || clock.monotonic() < dueAt) return;
    const through = Math.min(await retention.readForgottenBlock(), finalBlock());
    while (forgetStates(db, through, ROWS)) {
      db.shrink(SHRUNK_PAGES);
      await clock.sleep(PAUSE_MS, signal);
    }
    dueAt = clock.monotonic() + EVERY_MS;
  };
}

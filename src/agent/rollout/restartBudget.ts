import type { Clock } from "../../utils/clock.js";
import type { RolloutJournal } from "./journal.js";

const HOUR_MS = 3_600_000;
/** Restarts of one replica in an hour, beyond which people are needed. */
const MAX_AN_HOUR = 6;
/** Before the second restart within an hour; it doubles with each further one. */
const FIRST_PAUSE_MS = 1_000;

/** Whether a replica that died may be restarted now. Says so once: what it allows counts as done. */
export type MayRestart = (replica: string) => Promise<boolean>;

/** At most six restarts of each replica in an hour, after pauses that double. They are journaled before they are allowed. */
export function createRestartBudget(
  journal: Pick<RolloutJournal, "recordRestarts" | "restarts">,
  clock: Pick<Clock, "now">,
): MayRestart {
  return async (replica) => {
    const now = clock.now();
    // A wall clock that was set back must not forget what it dated ahead.
    const recent = journal.restarts(replica).filter((at) => Math.abs(now - at) < HOUR_MS);
    const last = recent.at(-1);
    if (recent.length >= MAX_AN_HOUR) return false;
    if (last !== undefined && Math.abs(now - last) < FIRST_PAUSE_MS * 2 ** (recent.length - 1)) return false;
    await journal.recordRestarts(replica, [...recent, now]);
    return true;
  };
}

import { MAX_NODES, type OrderOf } from "../../records/index.js";
import type { Decision, NodeView } from "../types.js";

/** The subject of every Suspend: one is under way at a time. */
export const PRESENCE_SUBJECT = "presence";

/** The committee, as far as suspensions depend on it. */
export interface CommitteePresence {
  /** All seats. */
  readonly size: number;
  readonly suspended: ReadonlySet<number>;
}

/**
 * Those of the silent seats that one order may suspend: never so many that fewer than half of all seats stay, nor more than an
 * order can name. The lowest first.
 */
export function suspendable(silent: Iterable<number>, { size, suspended }: CommitteePresence): number[] {
  const room = Math.min(MAX_NODES, Math.max(0, Math.floor(size / 2) - suspended.size));
  const seats = [...new Set(silent)].filter((seat) => !suspended.has(seat));
  return seats.sort((a, b) => a - b).slice(0, room);
}

/**
 * A claim of fact, and its own record: no evidence could prove a silence, so each voter answers for what it sees itself. It
 * votes For if all seats that are named are silent to it.
 */
export function judgeSuspension(
  { indices }: OrderOf<"Suspend">,
  subject: string,
  { silent }: Pick<NodeView, "silent">,
): Pick<Decision, "support" | "reason"> {
  if (subject !== PRESENCE_SUBJECT)
    return { support: "against", reason: `the subject ${subject} is not ${PRESENCE_SUBJECT}` };
  const heard = indices.filter((index) => silent?.has(index) !== true);
  if (heard.length > 0) {
    const named = heard.slice(0, 5).map((index) => `node/${index}`);
    return { support: "against", reason: `${named.join(", ")} is not silent to this node` };
  }
  return {
    support: "for",
    reason: `this node hears nothing of ${indices.length === 1 ? "it" : `these ${indices.length}`} either`,
  };
}

import type { StagePlan } from "../../../src/policy/rollout/index.js";
import type { SeededRandom } from "../random.js";
import type { Quality } from "./scenario.js";

/** A running copy of one release, as it is in truth. Times are virtual seconds. */
export interface Instance {
  readonly release: "old" | "new";
  readonly startedAt: number;
  /** When it answers first. */
  readonly answersAt: number;
  /** When a release that degrades does so. */
  readonly degradesAt: number;
}

export interface Truth {
  readonly quality: Quality;
  /** Whether the new release can be started on this host. */
  readonly canStart: boolean;
}

/** Seconds until a host is sure that a ready replica is sick, and the others have heard of it. */
const SECONDS_TO_TELL = 12;

export function startInstance(
  release: Instance["release"],
  now: number,
  { quality }: Truth,
  random: SeededRandom,
  { timing, waves }: StagePlan,
): Instance {
  const { minReadySeconds, startSeconds } = timing;
  const isSlow = release === "new" && quality === "slow-start";
  const answersAt = now + (isSlow ? startSeconds : random.integer(1, startSeconds - 1));
  // A stage that is watched is watched for longer than that: what degrades does so in time.
  const watched = Math.max(...waves.map(({ soakSeconds }) => soakSeconds));
  const soundSeconds = minReadySeconds - 1 + Math.max(0, watched - SECONDS_TO_TELL);
  return { release, startedAt: now, answersAt, degradesAt: answersAt + random.integer(1, soundSeconds) };
}

/** Whether its process has ended by itself. */
export function hasDied({ release, startedAt }: Instance, now: number, { quality }: Truth): boolean {
  return release === "new" && quality === "crashes" && now >= startedAt + 5;
}

/** Whether it is well to whoever asks: its own host, or a witness over the network. */
export function isWell(instance: Instance, now: number, truth: Truth, by: "host" | "others"): boolean {
  if (now < instance.answersAt || hasDied(instance, now, truth)) return false;
  if (instance.release === "old") return true;
  switch (truth.quality) {
    case "never-healthy":
    case "unable":
      return false;
    case "flaps":
      return Math.floor((now - instance.startedAt) / 4) % 2 === 0;
    case "degrades":
      return now < instance.degradesAt;
    case "seen-by-host":
      return by === "others";
    case "seen-by-others":
      return by === "host";
    default:
      return true;
  }
}

import type { RolloutTiming } from "../../../records/index.js";
import type { StagePlan, Wave } from "../types.js";

/** Probes until a host and its witnesses have noticed that a replica is healthy. */
const PROBES_TO_NOTICE = 2;

/** What a wave takes from its gate to the next one, at most, if all goes well. Seconds. */
export function waveSeconds({ soakSeconds }: Pick<Wave, "soakSeconds">, timing: RolloutTiming): number {
  return takeSeconds(timing) + soakSeconds + timing.lagSeconds;
}

/** How long what a stage changed is watched. Seconds. */
export function soakOf({ waves }: StagePlan, stage: number): number {
  return Math.max(0, ...waves.filter((wave) => wave.stage === stage).map(({ soakSeconds }) => soakSeconds));
}

/** What it takes to bring one replica to a release, at most, if all goes well. Seconds. */
function takeSeconds({ minReadySeconds, probeSeconds, startSeconds }: RolloutTiming): number {
  return startSeconds + minReadySeconds + PROBES_TO_NOTICE * probeSeconds;
}

/** A turn of replicas that change release at once without a gate. Seconds. */
function turnSeconds(timing: RolloutTiming): number {
  return takeSeconds(timing) + 2 * timing.lagSeconds;
}

/** What all replicas need to turn back after `failed` was enacted, in turns of `maxUnavailable`. Seconds. */
export function turnBackSeconds(replicas: number, maxUnavailable: number, timing: RolloutTiming): number {
  return (FIRST_TURN + turnsOf(replicas, maxUnavailable)) * turnSeconds(timing) + timing.lagSeconds;
}

/** Turns begin when so many have passed: what was begun before the outcome is up again, or on its way back, by then. */
const FIRST_TURN = 1;

function turnsOf(replicas: number, maxUnavailable: number): number {
  return Math.ceil(replicas / Math.max(1, maxUnavailable));
}

/**
 * Whether it is the turn of a healthy replica to change its release after the directive was enacted. No gate orders that, so
 * block time does: replicas have turns in the plan's order, `maxUnavailable` at once, one after another and from the start
 * again. A host may begin in the first part of its turn only, while its view is fresh: one whose blocks are late waits for the
 * next time, so that two turns never overlap. Replicas that the plan does not name have a turn each, after the others.
 *
 * @param now the time of the newest confirmed block, and `clock` this host's own, in seconds since the Unix epoch.
 * @param others the replicas besides those of the plan, in the order of their names, as placed at the block that enacted it.
 */
export function isItsTurn(
  plan: StagePlan,
  replica: string,
  enactedAt: number,
  { now, clock, others = [] }: { readonly now: number; readonly clock: number; readonly others?: readonly string[] },
): boolean {
  const { lagSeconds } = plan.timing;
  if (clock - now > lagSeconds) return false;
  const planned = plan.waves.filter(({ action }) => action === "take").flatMap(({ replicas }) => replicas);
  const atOnce = Math.max(1, plan.maxUnavailable);
  const turns = turnsOf(planned.length, atOnce);
  const place = planned.findIndex((each) => each.replica === replica);
  const other = others.indexOf(replica);
  if (place < 0 && other < 0) return false;
  const turn = place >= 0 ? Math.floor(place / atOnce) : turns + other;
  const length = turnSeconds(plan.timing);
  const since = now - enactedAt - FIRST_TURN * length;
  const into = since % ((turns + others.length) * length);
  return since >= 0 && into >= turn * length && into < turn * length + lagSeconds;
}

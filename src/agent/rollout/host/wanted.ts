import type { HostedInstance } from "../../../engines/fleet/host/types.js";
import type { ReplicaPhase, StagePlan } from "../../../policy/rollout/index.js";
import type { Hex } from "../../../records/index.js";
import type { JournaledReplica } from "../journal.js";
import type { Course, KeyedRelease } from "./course.js";

/** The instances of one replica, by the release that they are of. */
export interface OwnInstances {
  /** Of the release to take. */
  readonly next: HostedInstance | undefined;
  /** Of the release to leave; or what runs in its place, such as of a rollout that another one replaced. */
  readonly old: HostedInstance | undefined;
  readonly all: readonly HostedInstance[];
}

/** What is to run of a replica by what is journaled. */
export interface WantedInstances {
  /** What is started if it does not run; undefined if nothing is to run. */
  readonly run: "next" | "old" | undefined;
  /** Whether the old instance stays beside. */
  readonly keepsOld: boolean;
  /** Where requests go. */
  readonly serves: "next" | "old";
}

/** The name of an instance: the directive that brought its release, and a number that grows with each start anew. */
export function stepOf({ directive }: Pick<KeyedRelease, "directive">, attempt: number): string {
  return `${directive}.${attempt}`;
}

/** The directive in the name of an instance. */
export function directiveOfStep(step: string): Hex {
  return step.split(".")[0] as Hex;
}

export function ownInstances(
  all: readonly HostedInstance[],
  { from, to }: Course,
  phase: ReplicaPhase,
  attempt: (release: KeyedRelease) => number,
): OwnInstances {
  const next = all.find(({ step }) => step === stepOf(to, attempt(to)));
  const others = all.filter((each) => each !== next);
  const own = from && others.find(({ step }) => step === stepOf(from, attempt(from)));
  // What runs well stays until its turn, also if it is of a rollout that was never enacted.
  const isBack = phase === "reverted" || phase === "ended";
  const running = isBack ? undefined : others.find(({ alive, healthy }) => alive && healthy);
  return { next, old: own ?? running, all };
}

export function wantedOf(
  { begun, ended, phase, replica }: JournaledReplica,
  { from, isSettled, plan }: Course,
  { old }: OwnInstances,
): WantedInstances {
  const hasOld = from !== undefined || old !== undefined;
  switch (phase) {
    case "old":
      return { run: from === undefined || isSettled ? undefined : "old", keepsOld: true, serves: "old" };
    case "taking":
    case "serving": {
      const isBlueGreen = plan.waves.some(({ action }) => action === "switch");
      const keepsOld = hasOld && (isBlueGreen || (phase === "taking" && isSurge(plan, replica)));
      const isSwitched = begun !== null && plan.waves[begun]?.action === "switch";
      return { run: "next", keepsOld, serves: keepsOld && !isSwitched ? "old" : "next" };
    }
    case "reverted":
      return { run: from && "old", keepsOld: true, serves: "old" };
    case "ended":
      if (ended === "done") return { run: "next", keepsOld: false, serves: "next" };
      return { run: from && "old", keepsOld: true, serves: "old" };
  }
}

function isSurge({ waves }: StagePlan, replica: string): boolean {
  const planned = waves.filter(({ action }) => action === "take").flatMap(({ replicas }) => replicas);
  return planned.find((each) => each.replica === replica)?.surge ?? false;
}

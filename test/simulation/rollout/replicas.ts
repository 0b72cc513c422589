import {
  NEW_PROGRESS,
  type ReplicaPhase,
  type ReplicaProgress,
  resumed,
  type StageResult,
} from "../../../src/policy/rollout/index.js";
import type { Instance } from "./instance.js";

/** What a host has on disk about one of its replicas: it survives kill -9. */
export interface JournaledReplica {
  phase: ReplicaPhase;
  /** The number of the wave that was begun last. */
  begun: number | undefined;
  progress: ReplicaProgress;
  /** What was reported, by stage. */
  readonly reported: Map<number, StageResult>;
  readonly reportedAt: Map<number, number>;
  /** Which release it ended on; undefined before. */
  endedOn: Instance["release"] | undefined;
}

/** One replica of a host: what is on disk, and what runs. */
export interface HostedReplica {
  readonly replica: string;
  readonly journal: JournaledReplica;
  /** The instance that counts; undefined while none was started. */
  current: Instance | undefined;
  /** The old instance, while the new one runs beside it. */
  beside: Instance | undefined;
  /** Until when probes do not count, after a reboot started it again. */
  graceUntil: number;
}

export function newReplica(replica: string): HostedReplica {
  return {
    replica,
    journal: {
      phase: "old",
      begun: undefined,
      progress: NEW_PROGRESS,
      reported: new Map(),
      reportedAt: new Map(),
      endedOn: undefined,
    },
    current: undefined,
    beside: undefined,
    graceUntil: 0,
  };
}

/** Which release the journal says that it runs. */
export function releaseOf({ endedOn, phase }: JournaledReplica): Instance["release"] {
  return endedOn ?? (phase === "taking" || phase === "serving" ? "new" : "old");
}

export function afterRestart({ journal }: HostedReplica): void {
  journal.progress = resumed(journal.progress);
}

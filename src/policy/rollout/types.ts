import type { Hex, RolloutTiming } from "../../records/index.js";
import type { HostName } from "../placement/index.js";

export interface PlannedReplica {
  readonly replica: string;
  readonly host: HostName;
  /** Whether the new instance starts beside the old one, which stops once the new one is ready. */
  readonly surge: boolean;
  /** Drawn to probe it, from all other hosts that were present at the issue. */
  readonly witnesses: readonly HostName[];
}

/** What is changed at once. The gate before a wave is numbered as the wave; the gate after the last one ends the rollout. */
export interface Wave {
  readonly stage: number;
  /** `switch` moves the traffic to replicas that run beside the old ones already. */
  readonly action: "take" | "switch";
  readonly replicas: readonly PlannedReplica[];
  /** How long all that its stage changed is watched before the next gate opens; 0 but for the last wave of a stage. */
  readonly soakSeconds: number;
  /** Block time after which no host begins it: what is left would not fit into the directive's window. */
  readonly beginBy: number;
}

/** A rollout as every host computes it from the directive and its issue's block. Nothing later changes it. */
export interface StagePlan {
  readonly schema: "witan/stage-plan/1";
  readonly directive: Hex;
  readonly workload: string;
  /** The sha256 of the release to leave, which was last enacted `done`, and of the one to take. */
  readonly from: Hex;
  readonly to: Hex;
  /** Block times, in seconds since the Unix epoch. */
  readonly issuedAt: number;
  readonly deadline: number;
  readonly timing: RolloutTiming;
  readonly maxUnavailable: number;
  /** Hosts of which each may fail alone without failing the rollout: {@link defaultFailureLimit}. */
  readonly failureLimit: number;
  /** Whether nothing ever turns back by itself. */
  readonly irreversible: boolean;
  readonly waves: readonly Wave[];
}

/**
 * `ready`: it was healthy for the time that the plan demands. `watched`: it has stayed so for the time that the stage is watched. `sick`: it ran and failed, or was not ready in time. `unable`: it
 * could not be started, as without its files. `inconclusive`: there were too few samples to tell.
 */
export type StageResult = "ready" | "watched" | "sick" | "unable" | "inconclusive";

/** What a host says of its own replica after a stage. Signed by the host's agent. */
export interface StageReport {
  readonly schema: "witan/stage-report/1";
  readonly directive: Hex;
  readonly stage: number;
  readonly replica: string;
  readonly host: HostName;
  readonly result: StageResult;
  /** The time of the newest confirmed block that the host has. */
  readonly at: number;
  /** One line for people: what failed, with its value and its bound. */
  readonly note: string;
}

/**
 * Of all probes of one interval: `healthy` if each that reached the host was answered well, `sick` if none of those was,
 * `unsteady` if some were, `unreached` if most did not even reach its host.
 */
export type WitnessVerdict = "healthy" | "sick" | "unsteady" | "unreached";

export interface WitnessSighting {
  readonly replica: string;
  /** The release that answered; null if none did. */
  readonly release: Hex | null;
  readonly verdict: WitnessVerdict;
  /** The interval since which it has said the same of the replica, without a break. */
  readonly since: number;
}

/** What a host saw in one interval of all replicas that it was drawn to probe. Signed by the host's agent. */
export interface WitnessStatement {
  readonly schema: "witan/witness-statement/1";
  readonly directive: Hex;
  readonly witness: HostName;
  /** Counted from the issue: see {@link RolloutTiming.intervalSeconds}. */
  readonly interval: number;
  readonly seen: readonly WitnessSighting[];
}

/** What a host knows of a rollout from its newest confirmed block. */
export interface RolloutFacts {
  /** That block's time. */
  readonly now: number;
  /**
   * Hosts that lost a replica of the plan at some block since the issue: suspended, without a seat, drained, or by a Scale. Also witnesses that
   * were suspended or left. One that returns runs the old release until `done`.
   */
  readonly excused: ReadonlySet<HostName>;
  /** How the directive was enacted, and when; null if it was not. */
  readonly enacted: { readonly result: "done" | "failed"; readonly at: number } | null;
  /** The newest emergency order about the rollout; null if there was none. `promote` opens gates up to `gate`. */
  readonly control:
    | { readonly action: "pause" | "resume" | "abort" }
    | { readonly action: "promote"; readonly gate: number }
    | null;
}

/** What one host concludes of one replica of the plan from all the statements that it holds. */
export type ReplicaVerdict =
  /** Since block time `at`. `isWatched`: it is known to have stayed so for the time that its stage is watched. */
  | { readonly kind: "ready"; readonly at: number; readonly isWatched: boolean }
  /** Its own host says so. */
  | { readonly kind: "admitted"; readonly report: StageReport }
  /** Witnesses alone say so. */
  | { readonly kind: "accused"; readonly statements: readonly WitnessStatement[] }
  | { readonly kind: "excused" }
  | { readonly kind: "unknown"; readonly reason: string };

/** What a gate says to the host that asks. */
export type GateVerdict =
  | { readonly kind: "advance" }
  | { readonly kind: "hold"; readonly reason: string; readonly about: readonly string[] }
  | {
      readonly kind: "failed";
      readonly reason: string;
      readonly reports: readonly StageReport[];
      readonly statements: readonly WitnessStatement[];
    };

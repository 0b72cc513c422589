import { z } from "zod";
import { MAX_LABELS, MAX_REPLICAS, MAX_STAGES } from "./bounds.js";
import { labelKey, labelValue } from "./host.js";
import { count, positive } from "./scalars.js";

/** How long the parts of a rollout take. Seconds of block time, as voted. */
export interface RolloutTiming {
  /** From the stop of the old instance, or from the start of one beside it, until the new one answers; at most. */
  readonly startSeconds: number;
  /** A replica is ready once it was healthy for so long without a break. */
  readonly minReadySeconds: number;
  /** A replica that is not ready so long after its start is sick. Nothing resets it. */
  readonly progressSeconds: number;
  /** Between two probes of one replica. */
  readonly probeSeconds: number;
  /** What one witness says of its replicas at once is about an interval of so long, counted from the issue. */
  readonly intervalSeconds: number;
  /** How far the views of two hosts may be apart: blocks that are late, statements under way, clocks that differ. */
  readonly lagSeconds: number;
}

/** How a rollout goes about it. */
export type Strategy =
  | RollingStrategy
  | (Omit<RollingStrategy, "kind"> & {
      readonly kind: "canary";
      /** How many of a hundred replicas run the new release after each stage; ascending, the last is 100. */
      readonly shares: readonly number[];
      /** How long each stage is watched after its last replica is ready. */
      readonly soakSeconds: number;
    })
  | {
      readonly kind: "blue-green";
      /** How long the new replicas serve before the old ones go. */
      readonly soakSeconds: number;
    };

interface RollingStrategy {
  readonly kind: "rolling";
  /** Replicas that the rollout may have down at once. */
  readonly maxUnavailable: number;
  /** Replicas that may run twice at once, the new one beside the old. */
  readonly maxSurge: number;
}

/** How a replica is asked whether it is healthy: 200 is yes. */
export interface HealthProbe {
  /** Such as `/health`. */
  readonly path: string;
  readonly timeoutMs: number;
}

/** Where the replicas of a workload run, how many, and how they change release. */
export interface WorkloadSpec {
  /** How many; or one on each host that matches. */
  readonly replicas: number | "all";
  /** Labels that a host must have. */
  readonly selector: Readonly<Record<string, string>>;
  /** The label over whose values replicas are spread evenly, such as `zone`; null if any host will do. */
  readonly spread: string | null;
  /** Whether a replica must never run twice, not even while the nodes' views differ. */
  readonly exclusive: boolean;
  /** Whether its releases never turn back by themselves. */
  readonly irreversible: boolean;
  readonly strategy: Strategy;
  readonly timing: RolloutTiming;
  /** Hosts of which each may fail alone without failing a rollout; null lets the strategy and the number of replicas say. */
  readonly failureLimit: number | null;
  readonly probe: HealthProbe;
}

const MAX_DAY_SECONDS = 86_400;
const MAX_PROBE_MS = 60_000;
const MAX_PROBE_PATH = 1_024;
const PROBE_PATH = /^\/[\x21-\x7e]*$/;

const replicaCount = positive.max(MAX_REPLICAS);
const seconds = count.max(MAX_DAY_SECONDS);
const atLeastOneSecond = positive.max(MAX_DAY_SECONDS);

const rolling = { maxUnavailable: count.max(MAX_REPLICAS), maxSurge: count.max(MAX_REPLICAS) };

const strategy = z.discriminatedUnion("kind", [
  z.strictObject({ kind: z.literal("rolling"), ...rolling }),
  z.strictObject({
    kind: z.literal("canary"),
    ...rolling,
    shares: z
      .array(z.int().min(1).max(100))
      .min(1)
      .max(MAX_STAGES)
      .refine(
        (shares) => shares.at(-1) === 100 && shares.every((share, i) => share > (shares[i - 1] ?? 0)),
        "must ascend to 100",
      ),
    soakSeconds: seconds,
  }),
  z.strictObject({ kind: z.literal("blue-green"), soakSeconds: seconds }),
]) satisfies z.ZodType<Strategy>;

const timing = z
  .strictObject({
    startSeconds: atLeastOneSecond,
    minReadySeconds: seconds,
    progressSeconds: atLeastOneSecond,
    probeSeconds: atLeastOneSecond,
    intervalSeconds: atLeastOneSecond,
    lagSeconds: atLeastOneSecond,
  })
  .refine(
    ({ minReadySeconds, progressSeconds, startSeconds }) => progressSeconds >= startSeconds + minReadySeconds,
    "must leave time to start and to become ready: progressSeconds is less than startSeconds and minReadySeconds",
  )
  .refine(
    ({ intervalSeconds, probeSeconds }) => intervalSeconds >= probeSeconds,
    "must have an interval of at least one probe",
  ) satisfies z.ZodType<RolloutTiming>;

const probe = z.strictObject({
  path: z.string().max(MAX_PROBE_PATH).regex(PROBE_PATH, "must be a path, such as /health"),
  timeoutMs: positive.max(MAX_PROBE_MS),
}) satisfies z.ZodType<HealthProbe>;

export const workloadSpec = z.strictObject({
  replicas: z.union([replicaCount, z.literal("all")], `must be 1 to ${MAX_REPLICAS}, or "all"`),
  selector: z
    .record(labelKey, labelValue)
    .refine((labels) => Object.keys(labels).length <= MAX_LABELS, `must be at most ${MAX_LABELS}`),
  spread: labelKey.nullable(),
  exclusive: z.boolean(),
  irreversible: z.boolean(),
  strategy,
  timing,
  failureLimit: count.max(MAX_REPLICAS).nullable(),
  probe,
}) satisfies z.ZodType<WorkloadSpec>;

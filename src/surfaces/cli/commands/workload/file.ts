import {
  deployOf,
  NO_RELEASE,
  type PlacedDeploy,
  type PlacedFleet,
  type PlacedWorkloadState,
  type WorkloadFile,
} from "../../../../client/index.js";
import { InvalidInputError } from "../../../../errors.js";
import { previewFault, previewRollout, type RolloutPreview } from "../../../../policy/rollout/index.js";
import { readJsonObject } from "../../input/json.js";

/** What options say in place of the file. */
export interface FileOverrides {
  readonly count?: string | undefined;
  readonly "batch-size"?: string | undefined;
  readonly strategy?: string | undefined;
}

export const overrideArgs = {
  count: { type: "string", description: "replicas, or all: one on each host that matches", valueHint: "N|all" },
  "batch-size": { type: "string", description: "replicas that may be down at once", valueHint: "N" },
  strategy: { type: "string", description: "rolling, canary or blue-green", valueHint: "KIND" },
} as const;

/** The file's words, with what the options say in their place. */
export async function readWorkloadFile(path: string, overrides: FileOverrides = {}): Promise<WorkloadFile> {
  const file: WorkloadFile = await readJsonObject(path);
  const { count, strategy } = overrides;
  const batchSize = overrides["batch-size"];
  if (typeof file.spec !== "object" || file.spec === null)
    throw new InvalidInputError(`${path} has no spec, such as { "replicas": 3 }.`);
  const words: { readonly strategy?: unknown } = file.spec;
  const given = typeof words.strategy === "string" ? { kind: words.strategy } : (words.strategy as object | undefined);
  const chosen = strategy === undefined || kindOf(given) === strategy ? given : { kind: strategy };
  return {
    ...file,
    spec: {
      ...words,
      ...(count === undefined ? {} : { replicas: count === "all" ? count : numberOf("--count", count) }),
      ...(chosen === undefined && batchSize === undefined
        ? {}
        : { strategy: { ...chosen, ...(batchSize && { maxUnavailable: numberOf("--batch-size", batchSize) }) } }),
    },
  };
}

function kindOf(strategy: object | undefined): unknown {
  return strategy !== undefined && "kind" in strategy ? strategy.kind : undefined;
}

function numberOf(option: string, text: string): number {
  if (/^[1-9][0-9]{0,4}$/.test(text)) return Number(text);
  throw new InvalidInputError(`${option} ${text} is no number of replicas.`);
}

/** What a workload's file would do to a fleet. */
export interface FilePreview {
  readonly order: PlacedDeploy;
  readonly before: PlacedWorkloadState | undefined;
  readonly preview: RolloutPreview;
  /** Why agents would vote against it; undefined if they would not. */
  readonly fault: string | undefined;
}

export function previewFile(file: WorkloadFile, fleet: PlacedFleet): FilePreview {
  // Where replicas go does not depend on how they get there: they are counted first.
  const expected = previewOf(deployOf(file, 1), fleet).seats.length;
  const order = deployOf(file, Math.max(1, expected));
  const preview = previewOf(order, fleet);
  const before = fleet.workloads.get(order.workload);
  return { order, before, preview, fault: previewFault(preview, order.workload) };
}

function previewOf({ release, spec, workload }: PlacedDeploy, fleet: PlacedFleet): RolloutPreview {
  const from = fleet.workloads.get(workload)?.settled?.release.sha256 ?? NO_RELEASE;
  return previewRollout(fleet, { workload, spec, from, to: release.sha256 });
}

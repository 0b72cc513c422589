import { InvalidInputError } from "../../errors.js";
import {
  type HealthProbe,
  isSelfConsistent,
  type OrderOf,
  parsePayload,
  type RolloutTiming,
  type Strategy,
  type WorkloadSpec,
  workloadSubject,
} from "../../records/index.js";

/** A Deploy with a specification. */
export type PlacedDeploy = OrderOf<"Deploy"> & { readonly spec: WorkloadSpec };

/** What a file says of a workload in people's words: all but `replicas` has a default. Nothing of it is checked yet. */
export interface WorkloadFile {
  readonly name?: unknown;
  /** As `witan release publish` prints it. */
  readonly release?: unknown;
  readonly spec?: unknown;
}

/** What a specification is, as far as its file does not say. */
export const WorkloadDefaults = {
  ...{ selector: {}, spread: null, exclusive: false, irreversible: false, failureLimit: null },
  probe: {
    path: "/health",
    /** Slower answers keep people waiting. */
    timeoutMs: 2_000,
  },
  timing: {
    /** A service that loads its data takes half of it. */
    startSeconds: 60,
    minReadySeconds: 10,
    /** Twice and more of what a start and its readiness take. */
    progressSeconds: 180,
    probeSeconds: 5,
    intervalSeconds: 10,
    /** Some blocks, where those that hosts act on are a few seconds old. */
    lagSeconds: 30,
  },
  /** A canary: what is wrong shows on a tenth. */
  strategy: "canary",
  /** Of all replicas that are down at once, at least one. */
  unavailableShare: 0.1,
  shares: [10, 50, 100],
  soakSeconds: 60,
} as const satisfies Omit<WorkloadSpec, "replicas" | "strategy" | "probe" | "timing"> & {
  readonly probe: HealthProbe;
  readonly timing: RolloutTiming;
  readonly strategy: Strategy["kind"];
  readonly unavailableShare: number;
  readonly shares: readonly number[];
  readonly soakSeconds: number;
};

/**
 * The order that a file asks for.
 *
 * @param replicas How many replicas there will be: defaults are shares of it.
 * @throws {@link InvalidInputError}; InvalidRecordError, which names the field.
 */
export function deployOf({ name, release, spec, ...others }: WorkloadFile, replicas: number): PlacedDeploy {
  const [unknown] = Object.keys(others);
  if (unknown !== undefined)
    throw new InvalidInputError(`A workload's file has name, release and spec, not ${unknown}.`);
  if (typeof name !== "string") throw new InvalidInputError("A workload's file says its name.");
  const { order } = parsePayload({
    schema: "witan/directive/1",
    subject: workloadSubject(name),
    order: { kind: "Deploy", workload: name, release, spec: completeSpec(spec, replicas) },
  });
  if (!isPlacedDeploy(order)) throw new InvalidInputError("A workload's file has a spec.");
  const signedFor = order.release.signed?.workload ?? name;
  if (signedFor !== name) throw new InvalidInputError(`The release was signed for ${signedFor}, not for ${name}.`);
  if (!isSelfConsistent(order.release))
    throw new InvalidInputError(`The hash of release ${order.release.name} is not that of what it runs.`);
  return order;
}

function isPlacedDeploy(order: { readonly kind: string; readonly spec?: unknown }): order is PlacedDeploy {
  return order.kind === "Deploy" && order.spec !== undefined;
}

function completeSpec(words: unknown, replicas: number): object {
  const { exclusive, failureLimit, irreversible, probe, selector, spread, timing } = WorkloadDefaults;
  const given = objectOf("spec", words);
  return {
    ...{ selector, spread, exclusive, irreversible, failureLimit },
    ...given,
    probe: { ...probe, ...objectOf("probe", given.probe) },
    timing: { ...timing, ...objectOf("timing", given.timing) },
    strategy: completeStrategy(given.strategy, replicas),
  };
}

/** A strategy by its name, or with some of its numbers. */
function completeStrategy(words: unknown, replicas: number): object {
  const { shares, soakSeconds, strategy, unavailableShare } = WorkloadDefaults;
  const given = typeof words === "string" ? { kind: words } : objectOf("strategy", words);
  const kind = given.kind ?? strategy;
  const rolling = { maxUnavailable: Math.max(1, Math.floor(replicas * unavailableShare)), maxSurge: 0 };
  if (kind === "rolling") return { ...rolling, ...given, kind };
  if (kind === "canary") return { ...rolling, shares, soakSeconds, ...given, kind };
  return { soakSeconds, ...given, kind };
}

function objectOf(what: string, value: unknown): Readonly<Record<string, unknown>> {
  if (value === undefined) return {};
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return { ...value };
  throw new InvalidInputError(`The ${what} of a workload is an object.`);
}

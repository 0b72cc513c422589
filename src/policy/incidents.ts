import { type Hex, type Incident, type NamedState, workloadSubject } from "../records/index.js";
import type { AnalyzePolicy, Observation, ReplicaView } from "./types.js";

/** By replica and instance: cycles in a row for which it was seen dead, or alive and unhealthy. */
export interface IncidentMemory {
  readonly seen: ReadonlyMap<string, FailedCycles>;
}

interface FailedCycles {
  readonly down: number;
  readonly unhealthy: number;
}

export const noIncidents: IncidentMemory = { seen: new Map() };

/** The node's own named state, and for how many cycles in a row. */
interface HeldState {
  readonly state: NamedState;
  readonly heldCycles: number;
}

interface FailingRelease {
  readonly workload: string;
  readonly name: string;
  readonly sha256: Hex;
  readonly broughtBy?: string | undefined;
}

/**
 * The incidents that hold now. Each is a function of the failure alone (which instance, which release), never of when
 * or how often it was seen, so that every node writes the same record.
 */
export function findIncidents(
  memory: IncidentMemory,
  { replicas }: Observation,
  own: HeldState,
  policy: AnalyzePolicy,
): { readonly memory: IncidentMemory; readonly incidents: readonly Incident[] } {
  const seen = new Map(replicas.map((replica) => [keyOf(replica), countCycles(memory, replica)]));
  const failed = replicas.filter((replica) => {
    const { down, unhealthy } = seen.get(keyOf(replica)) ?? { down: 0, unhealthy: 0 };
    return down >= policy.downCycles || unhealthy >= policy.unhealthyCycles;
  });
  const releases = failingReleases(replicas, failed);
  const incidents = [
    ...releases.map(releaseFailing),
    ...failed.filter((replica) => !releases.some((release) => runs(replica, release))).map(replicaFailing),
    ...(own.heldCycles >= policy.criticalCycles && failed.length > 0 ? stateCritical(own.state, failed) : []),
  ];
  return { memory: { seen }, incidents };
}

function keyOf({ subject, instance }: ReplicaView): string {
  return `${subject} ${instance}`;
}

function countCycles(memory: IncidentMemory, replica: ReplicaView): FailedCycles {
  const before = memory.seen.get(keyOf(replica)) ?? { down: 0, unhealthy: 0 };
  if (replica.changing || replica.instance === null) return { down: 0, unhealthy: 0 };
  return {
    down: replica.alive ? 0 : before.down + 1,
    unhealthy: replica.alive && !replica.healthy ? before.unhealthy + 1 : 0,
  };
}

/**
 * Releases that are at fault rather than single replicas: every replica on the release fails and all are alive, so that
 * the machine is not to blame; and there are two of them, or replicas of the workload on another release beside the one.
 */
function failingReleases(replicas: readonly ReplicaView[], failed: readonly ReplicaView[]): FailingRelease[] {
  const releases = new Map(
    replicas.map(({ workload, release }) => [`${workload} ${release.sha256}`, { workload, ...release }]),
  );
  return [...releases.values()].filter((release) => {
    const all = replicas.filter((replica) => runs(replica, release)).length;
    const failing = failed.filter((replica) => replica.alive && runs(replica, release)).length;
    const mixed = replicas.some((replica) => replica.workload === release.workload && !runs(replica, release));
    return isReleaseFailing({ all, failing, others: mixed });
  });
}

/** Whether a release is at fault: of its replicas, those that are alive and fail, and whether others of the workload run another. */
export function isReleaseFailing({ all, failing, others }: ReleaseHealth): boolean {
  return failing > 0 && failing === all && (failing > 1 || others);
}

interface ReleaseHealth {
  readonly all: number;
  readonly failing: number;
  readonly others: boolean;
}

function runs(replica: ReplicaView, { workload, sha256 }: FailingRelease): boolean {
  return replica.workload === workload && replica.release.sha256 === sha256;
}

function releaseFailing({ workload, name, sha256, broughtBy }: FailingRelease): Incident {
  return {
    schema: "witan/incident/1",
    kind: "release-failing",
    severity: "critical",
    subject: workloadSubject(workload),
    observed: { release: sha256, name, ...(broughtBy === undefined ? {} : { broughtBy }) },
    detection: { probe: "http-health" },
    resolution: null,
  };
}

function replicaFailing({ subject, instance, release, alive }: ReplicaView): Incident {
  return {
    schema: "witan/incident/1",
    kind: alive ? "replica-unhealthy" : "replica-down",
    severity: alive ? "medium" : "high",
    subject,
    observed: { instance: instance ?? "", release: release.sha256 },
    detection: { probe: alive ? "http-health" : "process" },
    resolution: null,
  };
}

/** A node in distress that sees failed replicas: the first of them, by name, is the one to restart. */
function stateCritical(state: NamedState, failed: readonly ReplicaView[]): Incident[] {
  if (state !== "MYSTICAL" && state !== "CHAOTIC") return [];
  const [first] = [...failed].sort((a, b) => (a.subject < b.subject ? -1 : 1));
  if (!first) return [];
  return [
    {
      schema: "witan/incident/1",
      kind: "state-critical",
      severity: "critical",
      subject: first.subject,
      observed: { instance: first.instance ?? "", state },
      detection: { probe: "phi" },
      resolution: null,
    },
  ];
}

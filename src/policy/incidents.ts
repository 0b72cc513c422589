import type { Hex, Incident, NamedState } from "../records/index.js";
import type { AnalyzePolicy, Observation, ReplicaView } from "./types.js";

/** Cycles in a row for which each workload's instance was seen dead, or alive and sick. */
export interface IncidentMemory {
  readonly seen: ReadonlyMap<string, { readonly down: number; readonly unhealthy: number }>;
}

export const noIncidents: IncidentMemory = { seen: new Map() };

interface OwnState {
  readonly state: NamedState;
  readonly heldCycles: number;
}

/**
 * The incidents that hold now. Each is a function of the failure alone (which instance, which release), never of when
 * or how often it was seen, so that every node writes the same record.
 */
export function findIncidents(
  memory: IncidentMemory,
  { workloads }: Observation,
  own: OwnState,
  policy: AnalyzePolicy,
): { readonly memory: IncidentMemory; readonly incidents: readonly Incident[] } {
  const seen = new Map(workloads.map((workload) => [keyOf(workload), count(memory, workload)]));
  const sick = workloads.filter((workload) => {
    const { down, unhealthy } = seen.get(keyOf(workload)) ?? { down: 0, unhealthy: 0 };
    return down >= policy.downCycles || unhealthy >= policy.unhealthyCycles;
  });
  const failing = failingReleases(workloads, sick);
  const incidents = [
    ...failing.map(releaseFailing),
    ...sick
      .filter(({ fleet, release }) => !failing.some((each) => each.fleet === fleet && each.sha256 === release.sha256))
      .map(workloadSick),
    ...(own.heldCycles >= policy.criticalCycles && sick.length > 0 ? critical(own.state, sick) : []),
  ];
  return { memory: { seen }, incidents };
}

function keyOf({ subject, instance }: ReplicaView): string {
  return `${subject} ${instance}`;
}

function count(memory: IncidentMemory, workload: ReplicaView): { down: number; unhealthy: number } {
  const before = memory.seen.get(keyOf(workload)) ?? { down: 0, unhealthy: 0 };
  if (workload.changing || workload.instance === null) return { down: 0, unhealthy: 0 };
  return {
    down: workload.alive ? 0 : before.down + 1,
    unhealthy: workload.alive && !workload.healthy ? before.unhealthy + 1 : 0,
  };
}

/**
 * Releases that are at fault rather than single workloads: every workload on the release is sick, at least two are or
 * the fleet runs another release beside it, and they are alive, so that the machine is not to blame.
 */
function failingReleases(workloads: readonly ReplicaView[], sick: readonly ReplicaView[]) {
  const groups = new Map<
    string,
    { fleet: string; name: string; sha256: Hex; all: number; sick: number; mixed: boolean }
  >();
  for (const { fleet, release } of workloads) {
    const key = `${fleet} ${release.sha256}`;
    const on = (list: readonly ReplicaView[]) =>
      list.filter((each) => each.fleet === fleet && each.release.sha256 === release.sha256);
    const mixed = workloads.some((each) => each.fleet === fleet && each.release.sha256 !== release.sha256);
    const sickAlive = on(sick).filter(({ alive }) => alive).length;
    groups.set(key, { fleet, ...release, all: on(workloads).length, sick: sickAlive, mixed });
  }
  return [...groups.values()].filter(
    (group) => group.sick > 0 && group.sick === group.all && (group.sick > 1 || group.mixed),
  );
}

function releaseFailing({ fleet, name, sha256 }: { fleet: string; name: string; sha256: Hex }): Incident {
  return {
    schema: "witan/incident/1",
    kind: "release-failing",
    severity: "critical",
    subject: `fleet/${fleet}`,
    observed: { release: sha256, name },
    detection: { probe: "http-health" },
    resolution: null,
  };
}

function workloadSick({ subject, instance, release, alive }: ReplicaView): Incident {
  return {
    schema: "witan/incident/1",
    kind: alive ? "workload-unhealthy" : "workload-down",
    severity: alive ? "medium" : "high",
    subject,
    observed: { instance: instance ?? "", release: release.sha256 },
    detection: { probe: alive ? "http-health" : "process" },
    resolution: null,
  };
}

/** A node in distress with a sick workload: the first of them, by name, is what to heal. */
function critical(state: NamedState, sick: readonly ReplicaView[]): Incident[] {
  if (state !== "MYSTICAL" && state !== "CHAOTIC") return [];
  const [worst] = [...sick].sort((a, b) => (a.subject < b.subject ? -1 : 1));
  if (!worst) return [];
  return [
    {
      schema: "witan/incident/1",
      kind: "state-critical",
      severity: "critical",
      subject: worst.subject,
      observed: { instance: worst.instance ?? "", state },
      detection: { probe: "phi" },
      resolution: null,
    },
  ];
}

import type { HostEntry, PlacedWorkload, PlacementView } from "../../../src/policy/placement/index.js";

export function host(name: string, changes: Partial<HostEntry> = {}): HostEntry {
  return { name, labels: {}, draining: false, slots: 4, present: true, ...changes };
}

export function workload(name: string, changes: Partial<PlacedWorkload> = {}): PlacedWorkload {
  return { name, since: [1, 0], replicas: 2, selector: {}, exclusive: false, ...changes };
}

export function view(
  workloads: readonly PlacedWorkload[],
  hosts: readonly HostEntry[],
  blockTime = 1_000,
): PlacementView {
  return { blockTime, workloads, hosts };
}

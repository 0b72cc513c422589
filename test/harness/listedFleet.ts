import type { DirectiveHandler, ExecutionResult } from "../../src/agent/handlers/handler.js";
import type { ReplicaView } from "../../src/policy/index.js";
import { type Incident, replicaSubject } from "../../src/records/index.js";

const release = { name: "v1", sha256: `0x${"11".repeat(32)}` } as const;

/** A stand-in for a fleet: a list in memory instead of processes. What agents do about it is real. */
export class ListedFleet {
  /** How often an instance was truly replaced, by workload. */
  readonly restarts = new Map<string, number>();
  /** How often any node has executed an order. */
  executions = 0;
  /** How many of the next executions fail, and change nothing. */
  failing = 0;
  readonly #workloads = new Map<string, { instance: number; alive: boolean }>();

  constructor(names: readonly string[]) {
    for (const name of names) this.#workloads.set(name, { instance: 1, alive: true });
  }

  kill(name: string): void {
    this.#of(name).alive = false;
  }

  instanceOf(name: string): string {
    return `${name}/${this.#of(name).instance}`;
  }

  list(): ReplicaView[] {
    return [...this.#workloads].map(([name, { alive }]) => ({
      subject: replicaSubject(name),
      workload: "web",
      release,
      instance: this.instanceOf(name),
      alive,
      healthy: alive,
      latencyMs: alive ? 1 : null,
      changing: false,
    }));
  }

  /** Restarts what is listed, and only the instance that the order names. */
  get handler(): DirectiveHandler {
    return {
      kinds: ["Restart"],
      execute: async ({ order }): Promise<ExecutionResult> => {
        if (order.kind !== "Restart") throw new TypeError(`${order.kind} is no restart`);
        this.executions++;
        const workload = this.#of(order.replica);
        if (this.failing > 0) {
          this.failing--;
          const detail = [
            { subject: replicaSubject(order.replica), result: "failed" as const, note: "it does not start" },
          ];
          return { result: "failed", detail, produced: [] };
        }
        if (this.instanceOf(order.replica) === order.instance) {
          workload.instance++;
          workload.alive = true;
          this.restarts.set(order.replica, (this.restarts.get(order.replica) ?? 0) + 1);
        }
        const detail = [{ subject: replicaSubject(order.replica), result: "done" as const, note: "restarted" }];
        return { result: "done", detail, produced: [] };
      },
      verify: async ({ order }, { result }) => {
        if (order.kind !== "Restart") throw new TypeError(`${order.kind} is no restart`);
        const replaced = this.instanceOf(order.replica) !== order.instance && this.#of(order.replica).alive;
        return {
          holds: replaced === (result === "done"),
          why: replaced ? "another instance is alive" : "it is still down",
        };
      },
    };
  }

  #of(name: string) {
    const workload = this.#workloads.get(name);
    if (workload === undefined) throw new Error(`there is no workload ${name}`);
    return workload;
  }
}

/** The incident that every agent records about a replica that is down. */
export function downIncident(replica: string, instance: string): Incident {
  return {
    schema: "witan/incident/1",
    kind: "replica-down",
    severity: "high",
    subject: replicaSubject(replica),
    observed: { instance, release: release.sha256 },
    detection: { probe: "process" },
    resolution: null,
  };
}

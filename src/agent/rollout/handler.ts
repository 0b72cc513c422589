import type { HostDriver } from "../../engines/fleet/host/types.js";
import { BaseError } from "../../errors.js";
import { type Order, workloadSubject } from "../../records/index.js";
import type { DirectiveHandler, ExecutionResult } from "../handlers/handler.js";
import type { OpenRollouts } from "./openRollouts.js";

export interface PlacedRolloutHandlerOptions {
  readonly rollouts: Pick<OpenRollouts, "fleet" | "host" | "incomplete" | "outcome" | "planned">;
  readonly driver?: Pick<HostDriver, "prepare"> | undefined;
}

/**
 * Deploys and rollbacks of workloads that the mesh places. Every host carries out its own share, so that none leads; a node attests
 * the outcome that it concludes from the statements that it holds. The record holds the result alone: all write it alike.
 */
export function createPlacedRolloutHandler({ driver, rollouts }: PlacedRolloutHandlerOptions): DirectiveHandler {
  return {
    kinds: ["Deploy", "Rollback"],
    isLeaderless: true,
    /** Whether the mesh places the workload. @throws {@link UnknownWorkloadError} while this node cannot tell. */
    concerns(order) {
      if (order.kind === "Deploy") return order.spec !== undefined;
      if (order.kind !== "Rollback") return false;
      if (rollouts.fleet?.workloads.has(order.workload) === true) return true;
      if (rollouts.fleet === undefined || rollouts.incomplete !== undefined)
        throw new UnknownWorkloadError(order.workload, rollouts.incomplete ?? "no block was read yet");
      return false;
    },
    /** Fetches the release if the plan has a replica for this host. */
    async prepare({ directiveId, signal }) {
      const found = rollouts.planned.find(({ plan }) => plan.directive === directiveId);
      const isOurs = found?.plan.waves.some((wave) => wave.replicas.some(({ host }) => host === rollouts.host));
      if (driver === undefined || found === undefined || !isOurs) return false;
      return driver.prepare(found.rollout.release, signal);
    },
    async execute({ directiveId, order }): Promise<ExecutionResult | undefined> {
      const result = rollouts.outcome(directiveId)?.result;
      if (result === undefined) return undefined;
      return { result, detail: [{ subject: workloadSubject(workloadOf(order)), result, note: "" }], produced: [] };
    },
    async verify({ directiveId }, { result }) {
      const own = rollouts.outcome(directiveId);
      const why = own?.verdict.kind === "hold" ? own.verdict.reason : "by the statements that this node holds";
      return { holds: own?.result === result, why };
    },
  };
}

function workloadOf(order: Order): string {
  if (order.kind === "Deploy" || order.kind === "Rollback") return order.workload;
  throw new TypeError(`${order.kind} is no rollout`);
}

/** Whether the mesh places a workload cannot be told yet. */
class UnknownWorkloadError extends BaseError {
  constructor(workload: string, details: string) {
    super("unknown-fleet", `Whether the mesh places ${workload} cannot be told yet.`, { details, retryable: true });
  }
}

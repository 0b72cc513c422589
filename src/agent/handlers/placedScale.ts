import { BaseError } from "../../errors.js";
import { workloadSubject } from "../../records/index.js";
import type { ConfirmedFleet } from "../workloads/confirmedFleet.js";
import type { DirectiveHandler, ExecutionResult } from "./handler.js";

/**
 * Scales of workloads that the mesh places. They take effect with their issue, by placement alone: every node states the same outcome by
 * itself, so that all attest one record.
 */
export function createPlacedScaleHandler(fleet: Pick<ConfirmedFleet, "read">): DirectiveHandler {
  return {
    kinds: ["Scale"],
    isLeaderless: true,
    /** Whether the mesh places the workload. @throws {@link UnknownFleetError} while this node cannot tell. */
    async concerns(order, signal) {
      if (order.kind !== "Scale") return false;
      const read = await fleet.read(signal);
      if (read?.workloads.has(order.workload) === true) return true;
      if (read?.incomplete !== undefined) throw new UnknownFleetError(order.workload, read.incomplete);
      return false;
    },
    async execute({ order }): Promise<ExecutionResult> {
      if (order.kind !== "Scale") throw new TypeError(`${order.kind} is not a Scale`);
      const subject = workloadSubject(order.workload);
      const note = `${order.replicas} replicas are placed since its issue`;
      return { result: "done", detail: [{ subject, result: "done", note }], produced: [] };
    },
    verify: async () => ({ holds: true, why: "it took effect with its issue" }),
  };
}

/** Whether the mesh places a workload cannot be told while a payload is missing. */
class UnknownFleetError extends BaseError {
  constructor(workload: string, details: string) {
    super("unknown-fleet", `Whether the mesh places ${workload} cannot be told yet.`, { details, retryable: true });
  }
}

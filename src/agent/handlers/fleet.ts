import {
  carryOut,
  FleetError,
  verifyRollout,
  type WorkloadDriver,
  type WorkloadOrder,
} from "../../engines/fleet/index.js";
import { messageOf } from "../../errors.js";
import { type DirectiveKind, type Order, workloadSubject } from "../../records/index.js";
import type { DirectiveContext, DirectiveHandler, ExecutionResult, OutcomeCheck } from "./handler.js";

const KINDS: readonly DirectiveKind[] = ["Deploy", "Scale", "Rollback", "Restart"];

export interface FleetHandlerOptions {
  readonly driver: WorkloadDriver;
  readonly progressDeadlineMs: number;
}

/** Carries out orders on a workload, and verifies another node's outcome by this node's own probes. */
export function createFleetHandler({ driver, progressDeadlineMs }: FleetHandlerOptions): DirectiveHandler {
  return {
    kinds: KINDS,
    async execute({ order, directiveId, signal }: DirectiveContext): Promise<ExecutionResult> {
      try {
        const minReadyMs = Math.min(1_000, progressDeadlineMs / 2);
        const options = { driver, directiveId, signal, progressDeadlineMs, minReadyMs };
        const { result, detail, durationMs } = await carryOut(workloadOrder(order), options);
        return { result, detail: [...detail], durationMs, logs: null, produced: [] };
      } catch (error) {
        if (!(error instanceof FleetError) || error.retryable) throw error;
        // The error is final and nothing was changed: the outcome is that the order failed.
        const detail = [
          { subject: workloadSubject(driver.workload), result: "failed" as const, note: messageOf(error) },
        ];
        return { result: "failed", detail, durationMs: 0, logs: null, produced: [] };
      }
    },
    async verify({ order }: DirectiveContext, { result }): Promise<OutcomeCheck> {
      return verifyRollout(workloadOrder(order), await driver.list(), result);
    },
  };
}

function workloadOrder(order: Order): WorkloadOrder {
  if (order.kind === "Deploy" || order.kind === "Scale" || order.kind === "Rollback" || order.kind === "Restart")
    return order;
  throw new TypeError(`${order.kind} is not an order on a workload`);
}

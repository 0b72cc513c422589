import { carryOut, type FleetDriver, FleetError, type FleetOrder, verify } from "../../engines/fleet/index.js";
import { messageOf } from "../../errors.js";
import type { DirectiveKind, Order } from "../../records/index.js";
import type { Assignment, DirectiveHandler, ExecutionResult, OutcomeCheck } from "./handler.js";

const KINDS: readonly DirectiveKind[] = ["Deploy", "Scale", "Rollback", "Restart"];

export interface FleetHandlerOptions {
  readonly driver: FleetDriver;
  readonly healthyDeadlineMs: number;
}

/** Carries out orders on a fleet, and sees by its own probes whether another node has. */
export function createFleetHandler({ driver, healthyDeadlineMs }: FleetHandlerOptions): DirectiveHandler {
  return {
    kinds: KINDS,
    async carryOut({ order, directiveId, signal }: Assignment): Promise<ExecutionResult> {
      try {
        const minHealthyMs = Math.min(1_000, healthyDeadlineMs / 2);
        const options = { driver, directiveId, signal, healthyDeadlineMs, minHealthyMs };
        const { result, detail, durationMs } = await carryOut(fleetOrder(order), options);
        return { result, detail: [...detail], durationMs, logs: null, produced: [] };
      } catch (error) {
        if (!(error instanceof FleetError) || error.retryable) throw error;
        // Nothing was changed and nothing ever will be: that is an outcome too.
        const detail = [{ subject: `fleet/${driver.name}`, result: "failed" as const, note: messageOf(error) }];
        return { result: "failed", detail, durationMs: 0, logs: null, produced: [] };
      }
    },
    async agrees({ order }: Assignment, { result }): Promise<OutcomeCheck> {
      return verify(fleetOrder(order), await driver.list(), result);
    },
  };
}

function fleetOrder(order: Order): FleetOrder {
  if (order.kind === "Deploy" || order.kind === "Scale" || order.kind === "Rollback" || order.kind === "Restart")
    return order;
  throw new TypeError(`${order.kind} is no order on a fleet`);
}

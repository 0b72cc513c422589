import {
  carryOut,
  FleetError,
  type FleetErrorKind,
  verifyRollout,
  type WorkloadDriver,
  type WorkloadOrder,
} from "../../engines/fleet/index.js";
import { messageOf } from "../../errors.js";
import {
  type DirectiveKind,
  type Order,
  type Release,
  workloadOfReplica,
  workloadSubject,
} from "../../records/index.js";
import type { Logger } from "../../utils/logger.js";
import { createLruCache } from "../../utils/lruCache.js";
import type { DirectiveContext, DirectiveHandler, ExecutionResult, OutcomeCheck } from "./handler.js";

const KINDS: readonly DirectiveKind[] = ["Deploy", "Scale", "Rollback", "Restart"];

/** Errors that say what this node lacks, not what is wrong with the order. */
const LACKING: readonly FleetErrorKind[] = [
  "hash-mismatch",
  "not-startable",
  "unknown-replica",
  "unknown-workload",
  "damaged",
  "no-room",
  "unsupported",
];

/** Directives that were told to be out of reach. */
const MAX_TOLD = 256;

export interface FleetHandlerOptions {
  readonly driver: WorkloadDriver;
  readonly progressDeadlineMs: number;
  readonly logger: Logger;
}

/** Carries out orders on a workload, and verifies another node's outcome by this node's own probes. */
export function createFleetHandler({ driver, logger, progressDeadlineMs }: FleetHandlerOptions): DirectiveHandler {
  const told = createLruCache<string, true>(MAX_TOLD);
  return {
    kinds: KINDS,
    concerns: (order) => isWorkloadOrder(order) && workloadOf(order) === driver.workload,
    async prepare({ order, signal }) {
      const release = releaseIn(workloadOrder(order));
      return release !== undefined && (await driver.prepare(release, signal));
    },
    async execute({ order, directiveId, signal }: DirectiveContext): Promise<ExecutionResult | undefined> {
      try {
        const minReadyMs = Math.min(1_000, progressDeadlineMs / 2);
        const options = { driver, directiveId, signal, progressDeadlineMs, minReadyMs };
        const { result, detail, durationMs } = await carryOut(workloadOrder(order), options);
        logger.info("carried out an order on a workload", { directive: directiveId, result, durationMs });
        return { result, detail: [...detail], produced: [] };
      } catch (error) {
        if (!(error instanceof FleetError) || error.retryable) throw error;
        // Nothing was changed. What this node lacks another may have.
        if (LACKING.includes(error.kind)) {
          // It is asked again in every cycle until another has carried it out.
          if (told.get(directiveId) === undefined)
            logger.warn("cannot carry out an order", { directive: directiveId, reason: messageOf(error) });
          told.set(directiveId, true);
          return undefined;
        }
        const detail = [
          { subject: workloadSubject(driver.workload), result: "failed" as const, note: messageOf(error) },
        ];
        return { result: "failed", detail, produced: [] };
      }
    },
    async verify({ order }: DirectiveContext, { result }): Promise<OutcomeCheck> {
      return verifyRollout(workloadOrder(order), await driver.list(), result);
    },
  };
}

/** The release that an order brings; undefined if it names none. */
function releaseIn(order: WorkloadOrder): Release | undefined {
  if (order.kind === "Deploy") return order.release;
  return order.kind === "Rollback" ? (order.to ?? undefined) : undefined;
}

function workloadOf(order: WorkloadOrder): string {
  return order.kind === "Restart" ? workloadOfReplica(order.replica) : order.workload;
}

function workloadOrder(order: Order): WorkloadOrder {
  if (isWorkloadOrder(order)) return order;
  throw new TypeError(`${order.kind} is not an order on a workload of one machine`);
}

/** A Deploy with a specification is carried out by the hosts of the mesh. */
function isWorkloadOrder(order: Order): order is WorkloadOrder {
  if (order.kind === "Deploy") return order.batch !== undefined;
  return order.kind === "Scale" || order.kind === "Rollback" || order.kind === "Restart";
}

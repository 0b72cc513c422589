import { BaseError, type BaseErrorOptions } from "../../errors.js";

export type FleetErrorKind =
  /** Another executor is changing the workload. */
  | "busy"
  /** A release's entry file is not the one that was voted for. */
  | "hash-mismatch"
  /** The order is about another workload, or none was started here. */
  | "unknown-workload"
  | "unknown-replica"
  /** No earlier good release to roll back to. */
  | "no-earlier-release"
  /** A release's command cannot be run. */
  | "not-startable"
  /** A process survives SIGKILL. */
  | "not-stoppable"
  /** A file of the workload's folder cannot be read. */
  | "damaged";

const retryable: readonly FleetErrorKind[] = ["busy", "not-stoppable"];

/** A workload cannot be read or changed as ordered. Nothing was changed, unless the message says so. */
export class FleetError extends BaseError {
  readonly kind: FleetErrorKind;

  constructor(kind: FleetErrorKind, shortMessage: string, options: BaseErrorOptions = {}) {
    super(`fleet-${kind}`, shortMessage, { ...options, retryable: retryable.includes(kind) });
    this.kind = kind;
  }
}

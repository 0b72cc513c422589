import { BaseError, type BaseErrorOptions } from "../../errors.js";

export type FleetErrorKind =
  /** Another executor is at work on the fleet. */
  | "busy"
  /** A release's entry file is not the one that was voted for. */
  | "hash-mismatch"
  /** The order is about another fleet, or no fleet was started here. */
  | "unknown-fleet"
  | "unknown-workload"
  /** There is no earlier good release to roll back to. */
  | "no-earlier-release"
  /** A release's command cannot be run. */
  | "not-startable"
  /** A process does not end, even by SIGKILL. */
  | "not-stoppable";

const retryable: readonly FleetErrorKind[] = ["busy", "not-stoppable"];

/** A fleet that cannot be read or changed as asked. Nothing was changed, unless the message says so. */
export class FleetError extends BaseError {
  readonly kind: FleetErrorKind;

  constructor(kind: FleetErrorKind, shortMessage: string, options: BaseErrorOptions = {}) {
    super(`fleet-${kind}`, shortMessage, { ...options, retryable: retryable.includes(kind) });
    this.kind = kind;
  }
}

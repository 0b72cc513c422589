import { BaseError, type BaseErrorOptions } from "../../errors.js";

export type FleetErrorKind =
  /** Another executor is changing the workload. */
  | "busy"
  /** A file of a release, or its bundle, is not the one that was voted for. */
  | "hash-mismatch"
  /** The order is about another workload, or none was started here. */
  | "unknown-workload"
  | "unknown-replica"
  /** No earlier good release to roll back to. */
  | "no-earlier-release"
  /** A release's command cannot be run. */
  | "not-startable"
  /** This driver runs no releases of this sort, such as images. */
  | "unsupported"
  /** The bundle of a release cannot be fetched now: no peer that could be asked serves all of it. */
  | "unavailable"
  /** The bundle of a release is larger than what releases may take on this machine. */
  | "no-room"
  /** A process survives SIGKILL. */
  | "not-stoppable"
  /** A file of the workload's folder cannot be read. */
  | "damaged";

const retryable: readonly FleetErrorKind[] = ["busy", "not-stoppable", "unavailable"];

/** A workload cannot be read or changed as ordered. Nothing was changed, unless the message says so. */
export class FleetError extends BaseError {
  readonly kind: FleetErrorKind;

  constructor(kind: FleetErrorKind, shortMessage: string, options: BaseErrorOptions = {}) {
    super(`fleet-${kind}`, shortMessage, { ...options, retryable: retryable.includes(kind) });
    this.kind = kind;
  }
}

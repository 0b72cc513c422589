import { BaseError } from "../errors.js";

/** A record, payload or manifest that breaks its schema, a bound or the canonical encoding. Nothing was written. */
export class InvalidRecordError extends BaseError {
  /** The path in the value, such as `metrics.cpu`; empty for the value as a whole. */
  readonly path: string;
  /** What is wrong there. */
  readonly reason: string;

  constructor(what: string, path: string, reason: string, cause?: unknown) {
    const at = path === "" ? "" : ` at ${path}`;
    super("invalid-record", `Invalid ${what}${at}: ${reason}`, cause === undefined ? {} : { cause });
    this.path = path;
    this.reason = reason;
  }
}

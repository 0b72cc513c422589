import { BaseError } from "../errors.js";

/** A value or block that is no valid record. Nothing was written. */
export class InvalidRecordError extends BaseError {
  /** Where in the record, as names joined by dots. */
  readonly path: string;
  readonly reason: string;

  constructor(what: string, path: string, reason: string, cause?: unknown) {
    super("invalid-record", `This is not a valid ${what}: ${path ? `${path} ` : ""}${reason}.`, { cause });
    this.path = path;
    this.reason = reason;
  }
}

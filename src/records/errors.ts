import { BaseError } from "../errors.js";
import { shortened } from "../utils/text/decode.js";

/** UTF-16 units of a path or a reason. */
const MAX_QUOTED = 512;

/** A record, payload or manifest that breaks its schema, a bound or the canonical encoding. Nothing was written. */
export class InvalidRecordError extends BaseError {
  /** The path in the value, such as `metrics.cpu`; empty for the value as a whole. */
  readonly path: string;
  /** What is wrong there. */
  readonly reason: string;

  constructor(what: string, path: string, reason: string, cause?: unknown) {
    // Both quote the record, whose author may have written a key of 200 KB to be quoted.
    const [where, why] = [shortened(path, MAX_QUOTED), shortened(reason, MAX_QUOTED)];
    const at = where === "" ? "" : ` at ${where}`;
    super("invalid-record", `Invalid ${what}${at}: ${why}`, cause === undefined ? {} : { cause });
    this.path = where;
    this.reason = why;
  }
}

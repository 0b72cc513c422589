import { BaseError, type BaseErrorOptions } from "../../errors.js";

export type KeyErrorCode =
  | "wrong-password"
  | "missing-key-file"
  | "malformed-key-file"
  /** Other users of the machine may read the file. */
  | "unsafe-permissions"
  | "key-file-exists"
  /** Not a secret key of the curve. */
  | "invalid-key"
  /** Not a public key of the curve, or an unsafe one: infinity, or outside the subgroup. */
  | "invalid-public-key"
  /** Not a signature of the curve, or an unsafe one: infinity, or outside the subgroup. */
  | "invalid-signature";

/** A key or key file that cannot be used. Its message never quotes a secret. */
export class KeyError extends BaseError {
  declare readonly code: KeyErrorCode;

  constructor(code: KeyErrorCode, shortMessage: string, options: BaseErrorOptions = {}) {
    super(code, shortMessage, options);
  }
}

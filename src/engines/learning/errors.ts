import { BaseError, type BaseErrorOptions } from "../../errors.js";

export type LearningErrorKind =
  /** Weights that do not fit the task: wrong names or shapes, or values that are not finite. */
  | "bad-weights"
  /** An update further from its round's base than honest training reaches. */
  | "over-norm"
  /** No updates to average. */
  | "no-updates"
  /** The training data are not installed, or are not what they should be. */
  | "no-data";

/** An error of a learning task or round. */
export class LearningError extends BaseError {
  readonly kind: LearningErrorKind;

  constructor(kind: LearningErrorKind, shortMessage: string, options: BaseErrorOptions = {}) {
    super(`learning-${kind}`, shortMessage, options);
    this.kind = kind;
  }
}

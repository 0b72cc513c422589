import { BaseError, type BaseErrorOptions } from "../../errors.js";

export type LearningErrorKind =
  /** Weights that are not those of the task: wrong names, shapes, or numbers that are none. */
  | "bad-weights"
  /** An update further from where its round began than any honest training goes. */
  | "over-norm"
  /** Nothing to average. */
  | "no-updates"
  /** The training data are not installed, or are not what they should be. */
  | "no-data";

/** Learning that cannot go on as asked. */
export class LearningError extends BaseError {
  readonly kind: LearningErrorKind;

  constructor(kind: LearningErrorKind, shortMessage: string, options: BaseErrorOptions = {}) {
    super(`learning-${kind}`, shortMessage, options);
    this.kind = kind;
  }
}

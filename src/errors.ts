/** What an error carries besides its one-sentence message. */
export interface BaseErrorOptions {
  readonly cause?: unknown;
  /** The underlying fact, such as a library's own message. Never a secret. */
  readonly details?: string;
  /** What the reader can do, a line each. */
  readonly hints?: readonly string[];
}

/**
 * The root of every error that Witan throws on purpose. Callers branch on `code` (stable, kebab-case) and `retryable`,
 * never on the text.
 */
export class BaseError extends Error {
  /** Stable and machine-readable, unique to one kind of failure. */
  readonly code: string;
  /** Whether the same call may succeed later without a change of its input. */
  readonly retryable: boolean;
  readonly shortMessage: string;
  readonly details: string | undefined;
  readonly hints: readonly string[];

  constructor(code: string, shortMessage: string, options: BaseErrorOptions & { readonly retryable?: boolean } = {}) {
    const { cause, details, hints = [], retryable = false } = options;
    const lines = [shortMessage, ...(details ? [`Details: ${details}`] : []), ...hints];
    super(lines.join("\n"), cause === undefined ? undefined : { cause });
    this.name = new.target.name;
    this.code = code;
    this.retryable = retryable;
    this.shortMessage = shortMessage;
    this.details = details;
    this.hints = hints;
  }

  /** The first error along the chain of causes, this one included, that `test` accepts. */
  walk(test: (error: unknown) => boolean): unknown {
    let current: unknown = this;
    while (current !== undefined && current !== null) {
      if (test(current)) return current;
      current = current instanceof Error ? current.cause : undefined;
    }
    return undefined;
  }
}

/** Input that breaks its schema, a bound or a rule. Nothing was written. */
export class InvalidInputError extends BaseError {
  constructor(shortMessage: string, options: BaseErrorOptions = {}) {
    super("invalid-input", shortMessage, options);
  }
}

/** A configuration that is missing, unreadable or wrong. */
export class ConfigError extends BaseError {
  constructor(shortMessage: string, options: BaseErrorOptions = {}) {
    super("config", shortMessage, options);
  }
}

/** A message fit for a log line, for any thrown value. */
export function messageOf(error: unknown): string {
  if (error instanceof BaseError) return error.shortMessage;
  return error instanceof Error ? error.message : String(error);
}

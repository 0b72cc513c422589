import { BaseError } from "../../errors.js";

/** What the exit code of a command means. */
export const ExitCodes = {
  ok: 0,
  /** A defect: an error that Witan does not throw on purpose. */
  unexpected: 1,
  /** Wrong arguments, input, configuration or key. */
  usage: 2,
  /** The chain or the content cannot be reached; the same command may succeed later. */
  unavailable: 3,
  /** The contracts or the checks refused. */
  refused: 4,
} as const;

const usageCodes = [
  "invalid-input",
  "invalid-record",
  "config",
  "wrong-password",
  "missing-key-file",
  "malformed-key-file",
  "unsafe-permissions",
  "key-file-exists",
  "invalid-key",
  "content-invalid-cid",
  "listen",
  "catalog-no-sqlite",
  "catalog-corrupt",
  "catalog-foreign",
  "catalog-outdated",
  "catalog-other-deployment",
];

/** The exit code for what a command threw. */
export function exitCodeOf(error: unknown): number {
  if (error instanceof BaseError) {
    if (usageCodes.includes(error.code)) return ExitCodes.usage;
    return error.retryable || error.code.startsWith("rpc-") || error.code.startsWith("content-")
      ? ExitCodes.unavailable
      : ExitCodes.refused;
  }
  // Citty throws this error for wrong arguments.
  if (error instanceof Error && error.name === "CLIError") return ExitCodes.usage;
  return ExitCodes.unexpected;
}

import { expect, it } from "vitest";
import { BaseError, ConfigError } from "../../../src/errors.js";
import { ContentError } from "../../../src/ports/content/index.js";
import { ExitCodes, exitCodeOf } from "../../../src/surfaces/cli/exitCodes.js";

it.each([
  ["wrong configuration", new ConfigError("no"), ExitCodes.usage],
  ["an invalid CID", new ContentError("invalid-cid", "no"), ExitCodes.usage],
  ["missing content", new ContentError("missing", "no"), ExitCodes.unavailable],
  ["content that is not retryable", new ContentError("read-only", "no"), ExitCodes.unavailable],
  ["an RPC error", new BaseError("rpc-error", "no"), ExitCodes.unavailable],
  ["a refusal by a contract", new BaseError("contract-revert", "no"), ExitCodes.refused],
  ["a defect", new TypeError("x is undefined"), ExitCodes.unexpected],
  ["a thrown text", "text", ExitCodes.unexpected],
  ["the arguments' parser", Object.assign(new Error("no"), { name: "CLIError" }), ExitCodes.usage],
])("gives %s its exit code", (_what, error, code) => {
  expect(exitCodeOf(error)).toBe(code);
});

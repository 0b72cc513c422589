import { expect, it } from "vitest";
import { FailureLog } from "../../src/utils/failureLog.js";
import { createLogger } from "../../src/utils/logger.js";

it("logs a failure when it begins, changes and ends", () => {
  const logs: { level: string; message: string; reason?: string; cycle?: number }[] = [];
  const logger = createLogger("info", (line) => logs.push(JSON.parse(line)));
  const failures = new FailureLog(logger, "a cycle failed", "cycles succeed again");
  failures.succeeded();
  for (let cycle = 0; cycle < 9; cycle++) failures.failed(new Error("the RPC is away"), { cycle });
  failures.failed(new Error("the disk is full"));
  failures.succeeded();
  failures.succeeded();
  failures.failed(new Error("the disk is full"));
  expect(logs.map(({ cycle, level, message, reason }) => [level, message, reason, cycle])).toEqual([
    ["warn", "a cycle failed", "the RPC is away", 0],
    ["warn", "a cycle failed", "the disk is full", undefined],
    ["info", "cycles succeed again", "the disk is full", undefined],
    ["warn", "a cycle failed", "the disk is full", undefined],
  ]);
});

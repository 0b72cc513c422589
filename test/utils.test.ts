import { expect, it } from "vitest";
import { BaseError, InvalidInputError, messageOf } from "../src/errors.js";
import { systemClock } from "../src/utils/clock.js";
import { createLogger } from "../src/utils/logger.js";

it("logs one JSON object a line, from its level up", () => {
  const lines: string[] = [];
  const logger = createLogger("info", (line) => lines.push(line), { node: "a" });
  logger.debug("not shown");
  logger.info("shown", { gas: 12n, error: new Error("why") });
  expect(lines.map((line) => JSON.parse(line))).toEqual([
    { time: expect.any(String), level: "info", message: "shown", node: "a", gas: "12", error: "why" },
  ]);
});

it("wakes a sleeper with the signal's reason", async () => {
  const controller = new AbortController();
  const sleeping = systemClock.sleep(60_000, controller.signal);
  controller.abort(new Error("enough"));
  await expect(sleeping).rejects.toThrow("enough");
  await expect(systemClock.sleep(0, controller.signal)).rejects.toThrow("enough");
  await systemClock.sleep(0);
});

it("tells what happened, what lies beneath and what to do, and finds causes", () => {
  const cause = new InvalidInputError("The input is wrong.");
  const error = new BaseError("code", "It failed.", { cause, details: "detail", hints: ["Try this."] });
  expect(error.message).toBe("It failed.\nDetails: detail\nTry this.");
  expect([error.name, error.retryable, messageOf(error)]).toEqual(["BaseError", false, "It failed."]);
  expect(error.walk((each) => each instanceof InvalidInputError)).toBe(cause);
  expect(error.walk((each) => each instanceof RangeError)).toBeUndefined();
  expect(messageOf("text")).toBe("text");
});

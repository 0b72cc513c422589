import { expect, it } from "vitest";
import { BaseError, ConfigError, InvalidInputError, messageOf } from "../src/errors.js";

it("says what happened, why and what to do, and finds causes", () => {
  const cause = new InvalidInputError("The input is wrong.");
  const error = new BaseError("code", "It failed.", { cause, details: "detail", hints: ["Try this."] });
  expect(error.message).toBe("It failed.\nDetails: detail\nTry this.");
  expect([error.name, error.retryable, messageOf(error)]).toEqual(["BaseError", false, "It failed."]);
  expect(error.walk((each) => each instanceof InvalidInputError)).toBe(cause);
  expect(error.walk((each) => each instanceof RangeError)).toBeUndefined();
});

it("gives a message for any thrown value", () => {
  expect(["text", new RangeError("range"), new ConfigError("config"), undefined].map(messageOf)).toEqual([
    "text",
    "range",
    "config",
    "undefined",
  ]);
});

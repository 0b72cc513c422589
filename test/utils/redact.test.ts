import { expect, it } from "vitest";
import { redact } from "../../src/utils/redact.js";

it("keeps what is no secret as it is", () => {
  const value = { key: "a/b", tokens: 3, ok: true, none: null, list: [1, "two"], url: "https://a.example/x?y=z#@" };
  expect(redact(value)).toEqual(value);
});

it("shows values that JSON cannot", () => {
  expect(redact({ wei: 10n ** 20n, error: new RangeError("far"), bytes: new Uint8Array(3), at: new Date(0) })).toEqual({
    wei: "100000000000000000000",
    error: "far",
    bytes: "[3 bytes]",
    at: "1970-01-01T00:00:00.000Z",
  });
});

it("ends with a value that holds itself", () => {
  const value: Record<string, unknown> = { name: "a" };
  value.self = value;
  expect(JSON.stringify(redact(value))).toContain("[deeper]");
});

it.each(["password", "operatorPassword", "accessToken", "Authorization", "seedKey", "api_key", "clientSecret"])(
  "redacts %s",
  (name) => expect(redact({ [name]: "value" })).toEqual({ [name]: "[redacted]" }),
);

it("cuts texts of megabytes, and shows no part of a secret at the cut", () => {
  for (const length of [8_192, 16_384]) {
    const url = "https://user:hunter2@rpc.example";
    for (let before = length - url.length; before <= length; before++) {
      const shown = redact("x".repeat(before) + url + "y".repeat(1_000_000)) as string;
      expect(shown.length).toBeLessThanOrEqual(8_192);
      expect(shown.includes("hunt")).toBe(false);
    }
  }
  // Many words that could begin a URL cost no more than their number.
  expect(redact("a.".repeat(1_000_000))).toHaveLength(8_192);
});

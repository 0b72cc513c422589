import { describe, expect, it } from "vitest";
import { bigQuantityOf, quantityOf } from "../../../../src/ports/chain/rpc/quantity.js";

describe("a number of an RPC node", () => {
  it.each([
    ["0x0", 0],
    ["0x1A", 26],
    ["0x001a", 26],
    [26, 26],
  ])("is read: %s", (value, number) => expect(quantityOf(value, "it")).toBe(number));

  it.each([null, undefined, "", "0x", "26", "latest", "0xg", -1, 1.5, {}, [], true, `0x${"ff".repeat(8)}`])(
    "is refused: %s",
    (value) => {
      const error = { kind: "rpc-error", shortMessage: "The RPC node does not tell it.", retryable: true };
      expect(() => quantityOf(value, "it")).toThrow(expect.objectContaining(error));
    },
  );

  it("may be of any size in wei", () => expect(bigQuantityOf(`0x${"ff".repeat(32)}`, "it")).toBe(2n ** 256n - 1n));
});

import { id } from "ethers";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { decodeName, encodeName } from "../../../src/ports/chain/index.js";

describe("names on chain", () => {
  it("come back as they were", () => {
    fc.assert(
      fc.property(fc.string({ unit: "grapheme", minLength: 1, maxLength: 31 }), (name) => {
        const fits = new TextEncoder().encode(name).length <= 31 && !name.includes("\0") && name.isWellFormed();
        fc.pre(fits);
        expect(decodeName(encodeName(name))).toBe(name);
      }),
    );
  });

  it("have 1 to 31 bytes", () => {
    for (const name of ["", "x".repeat(32), "é".repeat(16)]) {
      expect(() => encodeName(name)).toThrow(expect.objectContaining({ code: "invalid-input" }));
    }
  });

  it("stay words if they are not text", () => {
    expect(decodeName(id("no text"))).toBe(id("no text"));
  });
});

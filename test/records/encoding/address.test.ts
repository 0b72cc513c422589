import { getAddress } from "ethers";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { checksumAddress } from "../../../src/records/index.js";

describe("an address", () => {
  it("has the checksum that ethers gives it, and keeps it", () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 20, maxLength: 20 }), (bytes) => {
        const text = `0x${Buffer.from(bytes).toString("hex")}`;
        const checked = getAddress(text);
        expect(checksumAddress(text)).toBe(checked);
        expect(checksumAddress(`0x${text.slice(2).toUpperCase()}`)).toBe(checked);
        expect(checksumAddress(checked)).toBe(checked);
      }),
    );
  });

  it("is nothing else", () => {
    for (const text of ["", "0x", `0x${"1".repeat(39)}`, `0x${"1".repeat(41)}`, "1".repeat(42)])
      expect(checksumAddress(text)).toBeUndefined();
  });
});

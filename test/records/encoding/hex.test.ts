import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { bytesOf, hexOf, utf8 } from "../../../src/records/encoding/hex.js";

describe("hexadecimal text", () => {
  it("gives back the bytes that it was made of, in lower case", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => {
        expect(hexOf(bytes)).toMatch(/^0x([0-9a-f]{2})*$/);
        expect(bytesOf(hexOf(bytes))).toEqual(bytes);
      }),
    );
  });

  it.each(["0x1", "0x0g", "0xé0"] as const)("is refused if it is %s", (hex) => {
    expect(() => bytesOf(hex)).toThrow();
  });

  it("of text is that of its UTF-8", () => {
    expect(hexOf(utf8("é🜂"))).toBe("0xc3a9f09f9c82");
  });
});

import { keccak256 as reference } from "ethers";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { keccak256 } from "../../../src/records/encoding/keccak.js";

describe("keccak256", () => {
  it("hashes nothing as Ethereum does, not as the later SHA-3 does", () => {
    expect(keccak256(new Uint8Array())).toBe("0xc5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470");
  });

  it("gives what ethers gives", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        expect(keccak256(bytes)).toBe(reference(bytes));
      }),
    );
  });
});

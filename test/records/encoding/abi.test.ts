import { AbiCoder, getBytes } from "ethers";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { addressWord, joinWords, uintWord } from "../../../src/records/encoding/abi.js";
import type { Address } from "../../../src/records/index.js";

describe("the words of an ABI encoding", () => {
  it("are those that ethers writes", () => {
    const uint = fc.bigInt({ min: 0n, max: 2n ** 256n - 1n });
    const address = fc
      .uint8Array({ minLength: 20, maxLength: 20 })
      .map((bytes) => `0x${Buffer.from(bytes).toString("hex")}`);
    fc.assert(
      fc.property(uint, address, fc.nat(), (large, address, small) => {
        const words = joinWords(uintWord(large), addressWord(address as Address), uintWord(small));
        const reference = AbiCoder.defaultAbiCoder().encode(["uint256", "address", "uint256"], [large, address, small]);
        expect(words).toEqual(getBytes(reference));
      }),
    );
  });
});

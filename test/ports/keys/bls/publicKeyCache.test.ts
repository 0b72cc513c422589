import { hexlify } from "ethers";
import { describe, expect, it, vi } from "vitest";
import { PublicKeyCache } from "../../../../src/ports/keys/bls/publicKeyCache.js";

describe("a cache of public keys", () => {
  it("decodes a key once, and again once it was dropped", () => {
    const decode = vi.fn((bytes: Uint8Array) => hexlify(bytes));
    const cache = new PublicKeyCache(decode, 2);
    const [a, b, c] = [Uint8Array.of(1), Uint8Array.of(2), Uint8Array.of(3)];
    expect([a, b, a, b].map((bytes) => cache.get(bytes))).toEqual(["0x01", "0x02", "0x01", "0x02"]);
    expect(decode).toHaveBeenCalledTimes(2);
    cache.get(c);
    cache.get(b);
    expect(decode).toHaveBeenCalledTimes(3);
    cache.get(a);
    expect(decode).toHaveBeenCalledTimes(4);
  });

  it("does not keep what is no key", () => {
    const decode = vi.fn(() => {
      throw new Error("no key");
    });
    const cache = new PublicKeyCache(decode);
    for (let i = 0; i < 2; i++) expect(() => cache.get(new Uint8Array(48))).toThrow("no key");
    expect(decode).toHaveBeenCalledTimes(2);
  });
});

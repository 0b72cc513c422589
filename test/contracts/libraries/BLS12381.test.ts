import { bls12_381 } from "@noble/curves/bls12-381.js";
import { concat, getBytes, hexlify, randomBytes, toUtf8Bytes } from "ethers";
import fc from "fast-check";
import { network } from "hardhat";
import { beforeAll, describe, expect, it } from "vitest";
import {
  BALLOT_DOMAIN,
  encodeG1,
  encodeG2,
  fp,
  type G1,
  G1_INFINITY,
  G2_INFINITY,
  hashToG2,
  P,
  POSSESSION_DOMAIN,
  publicKeyOf,
  secretOf,
  sign,
} from "../../harness/contracts/eip2537.js";

const { ethers } = await network.create();
const scalar = fc.bigInt({ min: 1n, max: bls12_381.fields.Fr.ORDER - 1n });
const message = fc.uint8Array({ maxLength: 300 }).map((bytes) => hexlify(bytes));
const point = (k: bigint): G1 => bls12_381.G1.Point.BASE.multiply(k);

async function deployLibrary() {
  return ethers.deployContract("BLS12381Harness");
}

describe("BLS12381", () => {
  let library: Awaited<ReturnType<typeof deployLibrary>>;
  beforeAll(async () => {
    library = await deployLibrary();
  });
  const call = (name: string, ...args: unknown[]) => library.getFunction(name).staticCall(...args);

  it("hashes to G2 as noble does, for any message and any domain", async () => {
    const domain = fc.string({ unit: "grapheme-ascii", minLength: 1, maxLength: 255 });
    await fc.assert(
      fc.asyncProperty(message, fc.oneof(fc.constant(POSSESSION_DOMAIN), domain), async (text, dst) => {
        expect(await call("hashToG2", text, toUtf8Bytes(dst))).toBe(encodeG2(hashToG2(text, dst)));
      }),
      { numRuns: 60 },
    );
  });

  it("hashes the vectors of RFC 9380, J.10.1", async () => {
    const domain = toUtf8Bytes("QUUX-V01-CS02-with-BLS12381G2_XMD:SHA-256_SSWU_RO_");
    const expected = {
      "": "0141ebfbdca40eb85b87142e130ab689c673cf60f1a3e98d69335266f30d9b8d4ac44c1038e9dcdd5393faf5c41fb78a",
      abc: "02c2d18e033b960562aae3cab37a27ce00d80ccd5ba4b7fe0e7a210245129dbec7780ccc7954725f4168aff2787776e6",
    };
    for (const [text, x0] of Object.entries(expected)) {
      const hashed = await call("hashToG2", toUtf8Bytes(text), domain);
      expect(hashed.slice(0, 130)).toBe(`0x${x0.padStart(128, "0")}`);
    }
  });

  it("accepts signatures that noble or blst made, and no other", async () => {
    await fc.assert(
      fc.asyncProperty(message, fc.string(), fc.nat(2047), async (text, name, bit) => {
        const secret = secretOf(name);
        const key = publicKeyOf(secret);
        const domain = toUtf8Bytes(BALLOT_DOMAIN);
        const byNoble = sign(secret, text, BALLOT_DOMAIN);
        const raw = secret.sign(getBytes(text)).toBytes(false);
        // blst writes c1 before c0.
        const part = (i: number) => concat([new Uint8Array(16), raw.slice(i * 48, i * 48 + 48)]);
        const byBlst = concat([part(1), part(0), part(3), part(2)]);

        expect(byBlst).toBe(byNoble);
        expect(await call("verify", key, text, byBlst, domain)).toBe(true);
        expect(await call("verify", key, concat([text, "0x00"]), byBlst, domain)).toBe(false);
        expect(await call("verify", key, text, byBlst, toUtf8Bytes(POSSESSION_DOMAIN))).toBe(false);
        expect(await call("verify", publicKeyOf(secretOf(`${name}, another`)), text, byBlst, domain)).toBe(false);
        const altered = getBytes(byBlst);
        altered[bit >> 3] = (altered[bit >> 3] ?? 0) ^ (1 << (bit & 7));
        expect(await call("verify", key, text, altered, domain)).toBe(false);
      }),
      { numRuns: 12 },
    );
  });

  it("refuses infinity as key and as signature, and points of a wrong length", async () => {
    const key = publicKeyOf(secretOf("one"));
    const signature = sign(secretOf("one"), "0x01", POSSESSION_DOMAIN);
    const domain = toUtf8Bytes(POSSESSION_DOMAIN);
    expect(await call("verify", key, "0x01", signature, domain)).toBe(true);
    expect(await call("verify", G1_INFINITY, "0x01", G2_INFINITY, domain)).toBe(false);
    expect(await call("verify", G1_INFINITY, "0x01", signature, domain)).toBe(false);
    expect(await call("verify", key, "0x01", G2_INFINITY, domain)).toBe(false);
    for (const [k, s] of [
      ["0x", signature],
      [`${key}00`, signature],
      [key, "0x"],
      [key, signature.slice(0, -2)],
    ]) {
      expect(await call("verify", k, "0x01", s, domain)).toBe(false);
    }
  });

  it("adds and negates in G1 as noble does", async () => {
    await fc.assert(
      fc.asyncProperty(scalar, scalar, async (a, b) => {
        const [left, right] = [point(a), point(b)];
        expect(await call("add", encodeG1(left), encodeG1(right))).toBe(encodeG1(left.add(right)));
        expect(await call("negate", encodeG1(left))).toBe(encodeG1(left.negate()));
        expect(await call("add", encodeG1(left), encodeG1(left.negate()))).toBe(G1_INFINITY);
        expect(await call("add", encodeG1(left), G1_INFINITY)).toBe(encodeG1(left));
      }),
      { numRuns: 30 },
    );
    expect(await call("negate", G1_INFINITY)).toBe(G1_INFINITY);
  });

  it("refuses to add what is not on the curve", async () => {
    const key = publicKeyOf(secretOf("one"));
    await expect(call("add", key, `0x${fp(1n)}${fp(1n)}`)).rejects.toThrow("BLS12381PrecompileFailed(11)");
  });

  it("calls a field element canonical when it is smaller than the modulus", async () => {
    const element = fc.oneof(
      fc.bigInt({ min: 0n, max: (1n << 512n) - 1n }),
      fc.bigInt({ min: 0n, max: 2n * P }),
      fc.constantFrom(0n, P - 1n, P, P + 1n, P + (1n << 256n), P - (1n << 256n), (1n << 512n) - 1n),
    );
    await fc.assert(
      fc.asyncProperty(element, element, async (x, y) => {
        expect(await call("isCanonical", `0x${fp(x)}${fp(y)}`)).toBe(x < P && y < P);
      }),
      { numRuns: 100 },
    );
    expect(await call("isCanonical", "0x")).toBe(false);
    expect(await call("isCanonical", hexlify(randomBytes(63)))).toBe(false);
  });
});

import { bls12_381 } from "@noble/curves/bls12-381.js";
import { getBytes, hexlify } from "ethers";
import { describe, expect, it } from "vitest";
import { createNoble } from "../../../../src/ports/keys/bls/noble.js";

const bls = createNoble();
const [one, two] = [1, 2].map((byte) => new Uint8Array(32).fill(byte)) as [Uint8Array, Uint8Array];
const digest = new Uint8Array(32).fill(9);

const { Fp, Fp2 } = bls12_381.fields;
/** The first x that has a y on the curve. The subgroup is so small a part of the curve that the point lies outside. */
const firstX = (hasY: (x: bigint) => boolean) => {
  let x = 1n;
  while (!hasY(x)) x++;
  return Number(x);
};
const isSquare = (root: () => unknown) => {
  try {
    root();
    return true;
  } catch {
    return false;
  }
};
const strayX1 = firstX((x) => isSquare(() => Fp.sqrt(x ** 3n + 4n)));
const strayX2 = firstX((x) => isSquare(() => Fp2.sqrt(Fp2.fromBigTuple([x ** 3n + 4n, 4n]))));
const stray = (length: number, x: number) =>
  Uint8Array.from({ length }, (_, i) => (i === 0 ? 0x80 : i === length - 1 ? x : 0));

describe("noble", () => {
  it("says what it is", () => expect(bls.name).toBe("noble"));

  it("signs as Ethereum's consensus tests say", () => {
    const secret = getBytes("0x263dbd792f5b1be47ed85f8938c0f29586af0d3ac7b977f21c278fe1462040e3");
    expect(hexlify(bls.publicKey(secret))).toBe(
      "0xa491d1b0ecd9bb917989f0e74f0dea0422eac4a873e5e2644f368dffb9a6e20fd6e10c1b77654d067c0618f6e5a7f79a",
    );
    expect(hexlify(bls.sign(secret, new Uint8Array(32)))).toBe(
      "0xb6ed936746e01f8ecf281f020953fbf1f01debd5657c4a383940b020b26507f6076334f91e2366c96e9ab279fb5158090352ea1c5b0c9274504f4f0e7053af24802e51e4568d164fe986834f41e55c8e850ce1f98458c0cfc9ab380b55285a55",
    );
  });

  it("does not let the errors of two ballots cancel out, as they do in a plain sum", () => {
    const [first, second] = [bls.sign(one, digest), bls.sign(two, digest)];
    const keys = [one, two].map((secret) => bls.publicKey(secret)) as [Uint8Array, Uint8Array];
    const ballots = (signatures: readonly [Uint8Array, Uint8Array]) =>
      signatures.map((signature, i) =>
        bls.decodeSignatureSet({ key: keys[i] ?? digest, digests: [digest], signature }),
      );
    expect(bls.verify([{ keys, digest }], bls.aggregate([second, first]))).toBe(true);
    expect(bls.verifyDecoded(ballots([second, first]))).toBe(false);
    expect(bls.verifyDecoded(ballots([first, second]))).toBe(true);
  });

  it("takes neither infinity nor a point outside the subgroup for a key or a signature", () => {
    const [key, signature] = [bls.publicKey(one), bls.sign(one, digest)];
    const infinity = (length: number) => Uint8Array.from({ length }, (_, i) => (i === 0 ? 0xc0 : 0));
    for (const wrong of [infinity(48), stray(48, strayX1)]) {
      expect(() => bls.decodeSignatureSet({ key: wrong, digests: [digest], signature })).toThrow(
        expect.objectContaining({ code: "invalid-public-key" }),
      );
    }
    for (const wrong of [infinity(96), stray(96, strayX2)]) {
      expect(() => bls.decodeSignatureSet({ key, digests: [digest], signature: wrong })).toThrow(
        expect.objectContaining({ code: "invalid-signature" }),
      );
    }
  });

  it("refuses to sum up signatures that cancel out", () => {
    const signature = bls.sign(one, digest);
    const negated = signature.map((byte, i) => (i === 0 ? byte ^ 0x20 : byte));
    expect(() => bls.aggregate([signature, negated])).toThrow(expect.objectContaining({ code: "invalid-signature" }));
  });
});

import { SecretKey } from "@chainsafe/blst";
import { bls12_381 } from "@noble/curves/bls12-381.js";
import { concat, getBytes, hexlify, keccak256, toBeHex, toBigInt, toUtf8Bytes } from "ethers";
import { describe, expect, it } from "vitest";
import { blsPublicKey, createAccountKey, createBlsKey, provePossession } from "../../../../src/ports/keys/index.js";
import type { Address } from "../../../../src/records/types.js";

const operator = createAccountKey().address as Address;
const context = { chainId: 5, registry: createAccountKey().address as Address, operator };

describe("a BLS key", () => {
  it("has the public key that blst computes", () => {
    const secret = createBlsKey();
    const theirs = SecretKey.fromBytes(secret).toPublicKey().toBytes(false);
    const pad = new Uint8Array(16);
    expect(blsPublicKey(secret)).toBe(concat([pad, theirs.slice(0, 48), pad, theirs.slice(48)]));
  });

  it("proves its possession by a Schnorr signature of the key itself, the same each time", () => {
    const secret = createBlsKey();
    const key = blsPublicKey(secret);
    const proof = getBytes(provePossession(secret, context));
    expect(provePossession(secret, context)).toBe(hexlify(proof));
    const { Point } = bls12_381.G1;
    const point = (bytes: Uint8Array) =>
      Point.fromAffine({ x: toBigInt(bytes.slice(0, 64)), y: toBigInt(bytes.slice(64, 128)) });
    const commitment = proof.slice(0, 128);
    const challengeOf = (of: typeof context) => {
      const place = concat([toBeHex(of.chainId, 32), of.registry, of.operator]);
      return toBigInt(keccak256(concat([toUtf8Bytes("witan/possession/2"), place, key, commitment]))) % Point.Fn.ORDER;
    };
    const left = Point.BASE.multiply(toBigInt(proof.slice(128)));
    const right = (of: typeof context) => point(commitment).add(point(getBytes(key)).multiply(challengeOf(of)));
    expect(left.equals(right(context))).toBe(true);
    const other = createAccountKey().address as Address;
    for (const change of [{ operator: other }, { registry: other }, { chainId: 6 }]) {
      expect(left.equals(right({ ...context, ...change }))).toBe(false);
    }
  });

  it.each([
    ["nothing", new Uint8Array(0)],
    ["zero", new Uint8Array(32)],
    ["a number over the group's order", new Uint8Array(32).fill(255)],
  ])("is not %s", (_, bytes) => {
    expect(() => blsPublicKey(bytes)).toThrow(expect.objectContaining({ code: "invalid-key" }));
  });
});

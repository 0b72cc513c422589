import { SecretKey } from "@chainsafe/blst";
import { bls12_381 } from "@noble/curves/bls12-381.js";
import { concat, getBytes, hexlify, keccak256, toBigInt, toUtf8Bytes } from "ethers";
import { describe, expect, it } from "vitest";
import { blsPublicKey, createBlsKey, createOperatorKey, provePossession } from "../../../../src/ports/keys/index.js";
import type { Address } from "../../../../src/records/types.js";

const operator = createOperatorKey().address as Address;

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
    const proof = getBytes(provePossession(secret, operator));
    expect(provePossession(secret, operator)).toBe(hexlify(proof));
    const { Point } = bls12_381.G1;
    const point = (bytes: Uint8Array) =>
      Point.fromAffine({ x: toBigInt(bytes.slice(0, 64)), y: toBigInt(bytes.slice(64, 128)) });
    const commitment = proof.slice(0, 128);
    const challengeOf = (of: string) =>
      toBigInt(keccak256(concat([toUtf8Bytes("witan/possession/1"), of, key, commitment]))) % Point.Fn.ORDER;
    const left = Point.BASE.multiply(toBigInt(proof.slice(128)));
    const right = (of: string) => point(commitment).add(point(getBytes(key)).multiply(challengeOf(of)));
    expect(left.equals(right(operator))).toBe(true);
    expect(left.equals(right(createOperatorKey().address))).toBe(false);
  });

  it.each([
    ["nothing", new Uint8Array(0)],
    ["zero", new Uint8Array(32)],
    ["a number over the group's order", new Uint8Array(32).fill(255)],
  ])("is not %s", (_, bytes) => {
    expect(() => blsPublicKey(bytes)).toThrow(expect.objectContaining({ code: "invalid-key" }));
  });
});

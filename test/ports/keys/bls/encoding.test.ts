import { bls12_381 } from "@noble/curves/bls12-381.js";
import { getBytes, toBeHex, toBigInt } from "ethers";
import { describe, expect, it } from "vitest";
import {
  decodeG1,
  EIP2537_KEY_BYTES,
  encodeG1,
  encodeG2,
  KEY_BYTES,
  SIGNATURE_BYTES,
  unpadKey,
} from "../../../../src/ports/keys/bls/encoding.js";

const { G1, G2, fields } = bls12_381;
const MODULUS = fields.Fp.ORDER;
const invalidKey = expect.objectContaining({ code: "invalid-public-key" });
const invalidSignature = expect.objectContaining({ code: "invalid-signature" });

const keyPoint = G1.Point.BASE.multiply(7n);
const signaturePoint = G2.Point.BASE.multiply(7n);
const [key, signature] = [keyPoint.toBytes(true), signaturePoint.toBytes(true)];

/** The field elements in an EIP-2537 encoding, 64 bytes each. */
const elementsOf = (bytes: Uint8Array) =>
  Array.from({ length: bytes.length / 64 }, (_, i) => toBigInt(bytes.subarray(i * 64, (i + 1) * 64)));
/** Field elements in the encoding of EIP-2537. */
const encode = (...elements: readonly bigint[]) =>
  Uint8Array.from(elements.flatMap((element) => [...getBytes(toBeHex(element, 64))]));
/** The compressed form of an infinite point, or of what is not on the curve. */
const bytesOf = (length: number, first: number, last = 0) =>
  Uint8Array.from({ length }, (_, i) => (i === 0 ? first : i === length - 1 ? last : 0));

describe("the encoding of EIP-2537", () => {
  it("of a key is x and y, and leads back", () => {
    const { x, y } = keyPoint.toAffine();
    const encoded = encodeG1(key);
    expect([key.length, encoded.length]).toEqual([KEY_BYTES, EIP2537_KEY_BYTES]);
    expect(elementsOf(encoded)).toEqual([x, y]);
    expect(decodeG1(encoded)).toEqual(key);
  });

  it("of a signature is x and y, each with its real part first", () => {
    const { x, y } = signaturePoint.toAffine();
    const encoded = encodeG2(signature);
    expect([signature.length, encoded.length]).toEqual([SIGNATURE_BYTES, 256]);
    expect(elementsOf(encoded)).toEqual([x.c0, x.c1, y.c0, y.c1]);
  });

  it("tells a key from its negation, which has the same x", () => {
    const negated = encodeG1(keyPoint.negate().toBytes(true));
    const [[x, y = 0n], [otherX, otherY]] = [elementsOf(encodeG1(key)), elementsOf(negated)] as [bigint[], bigint[]];
    expect([otherX, otherY]).toEqual([x, MODULUS - y]);
    expect(decodeG1(negated)).toEqual(keyPoint.negate().toBytes(true));
  });
});

describe("a point that is no key", () => {
  // The first x that has a y: the subgroup is so small a part of the curve that the point lies outside.
  const stray = bytesOf(KEY_BYTES, 0x80, 4);
  const strayY = fields.Fp.sqrt(4n ** 3n + 4n);

  it.each<[string, Uint8Array]>([
    ["nothing", new Uint8Array()],
    ["a key of one byte less", key.subarray(1)],
    ["a signature", signature],
    ["a key that is not compressed", keyPoint.toBytes(false)],
    ["infinity", bytesOf(KEY_BYTES, 0xc0)],
    ["an x that has no y", bytesOf(KEY_BYTES, 0x80, 1)],
    ["outside the subgroup", stray],
    ["without the flag of compression", bytesOf(KEY_BYTES, 0, 4)],
  ])("is not encoded: %s", (_, bytes) => expect(() => encodeG1(bytes)).toThrow(invalidKey));

  it("is not decoded: of another length, off the curve, infinity, outside the subgroup, or not canonical", () => {
    const { x, y } = keyPoint.toAffine();
    for (const bytes of [
      new Uint8Array(),
      encode(x, y).subarray(1),
      encode(x, y + 1n),
      encode(0n, 0n),
      encode(4n, strayY),
      encode(x + MODULUS, y),
      encode(x, y + MODULUS),
      encode(x, y).map((byte, i) => (i === 0 ? 1 : byte)),
    ]) {
      expect(() => decodeG1(bytes)).toThrow(invalidKey);
    }
    // A stray point is on the curve: its place outside the subgroup is what is refused.
    expect(fields.Fp.eql(fields.Fp.sqr(strayY), 68n)).toBe(true);
  });
});

describe("a point that is no signature", () => {
  it.each<[string, Uint8Array]>([
    ["nothing", new Uint8Array()],
    ["a key", key],
    ["a signature of one byte less", signature.subarray(1)],
    ["infinity", bytesOf(SIGNATURE_BYTES, 0xc0)],
    ["small numbers", bytesOf(SIGNATURE_BYTES, 0x80, 2)],
  ])("is not encoded: %s", (_, bytes) => expect(() => encodeG2(bytes)).toThrow(invalidSignature));
});

describe("a key without its padding", () => {
  it("is x and y, 48 bytes each, whether or not they are a point", () => {
    expect(unpadKey(encodeG1(key))).toEqual(keyPoint.toBytes(false));
    expect(toBigInt(unpadKey(encode(1n, 2n)))).toBe((1n << 384n) + 2n);
    expect(unpadKey(encode(MODULUS - 1n, 0n))).toHaveLength(96);
  });

  it("has canonical field elements, and so no flags that a decoder could read", () => {
    for (const bytes of [encode(MODULUS, 0n), encode(0n, MODULUS), encode(1n << 383n, 0n), encode(1n << 400n, 0n)]) {
      expect(() => unpadKey(bytes)).toThrow(RangeError);
    }
    expect(() => unpadKey(new Uint8Array(EIP2537_KEY_BYTES + 1))).toThrow(RangeError);
  });
});

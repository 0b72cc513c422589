import { bls12_381 } from "@noble/curves/bls12-381.js";
import { concat, getBytes, toBigInt } from "ethers";
import { KeyError } from "../errors.js";

/** A compressed point of G1: x, with three flags in its highest bits. */
export const KEY_BYTES = 48;
/** A compressed point of G2: x.c1 and x.c0, with three flags in the highest bits. */
export const SIGNATURE_BYTES = 96;
/** A key in EIP-2537's encoding: x and y, 64 bytes each. */
export const EIP2537_KEY_BYTES = 128;

const FIELD_BYTES = 48;
const EIP2537_FIELD_BYTES = 64;
const { G1, G2 } = bls12_381;
const MODULUS = bls12_381.fields.Fp.ORDER;

/**
 * A compressed public key, 48 bytes, in the encoding of EIP-2537: 128 bytes, x then y.
 *
 * @throws {@link KeyError} `invalid-public-key`, also if it is infinity or outside the subgroup.
 */
export function encodeG1(key: Uint8Array): Uint8Array {
  try {
    return pad(fieldsOf(uncompressed(G1.Point, key, KEY_BYTES)));
  } catch (cause) {
    throw invalidPublicKey(cause);
  }
}

/**
 * A compressed signature, 96 bytes, in the encoding of EIP-2537: 256 bytes, x.c0, x.c1, y.c0, y.c1.
 *
 * @throws {@link KeyError} `invalid-signature`, also if it is infinity or outside the subgroup.
 */
export function encodeG2(signature: Uint8Array): Uint8Array {
  try {
    const fields = fieldsOf(uncompressed(G2.Point, signature, SIGNATURE_BYTES));
    // The compressed encoding's order is x.c1, x.c0, y.c1, y.c0.
    return pad([1, 0, 3, 2].flatMap((i) => fields[i] ?? []));
  } catch (cause) {
    throw invalidSignature(cause);
  }
}

/**
 * The compressed form, 48 bytes, of a public key in EIP-2537's encoding.
 *
 * @throws {@link KeyError} `invalid-public-key`, also if it is infinity or outside the subgroup.
 */
export function decodeG1(key: Uint8Array): Uint8Array {
  try {
    return decoded(G1.Point, unpadKey(key)).toBytes(true);
  } catch (cause) {
    throw invalidPublicKey(cause);
  }
}

/**
 * The 96 bytes x, y of a key in EIP-2537's encoding. Checks that the field elements are canonical, and so free of flags, but
 * not that the point is on the curve.
 */
export function unpadKey(key: Uint8Array): Uint8Array {
  if (key.length !== EIP2537_KEY_BYTES) throw new RangeError(`${key.length} bytes are not ${EIP2537_KEY_BYTES}.`);
  const fields = [key.subarray(0, EIP2537_FIELD_BYTES), key.subarray(EIP2537_FIELD_BYTES)];
  if (fields.some((field) => toBigInt(field) >= MODULUS)) throw new RangeError("A field element is not canonical.");
  return join(fields.map((field) => field.subarray(EIP2537_FIELD_BYTES - FIELD_BYTES)));
}

export function invalidPublicKey(cause: unknown): KeyError {
  return new KeyError("invalid-public-key", "This is not a BLS12-381 public key.", { cause });
}

export function invalidSignature(cause: unknown): KeyError {
  return new KeyError("invalid-signature", "This is not a BLS12-381 signature.", { cause });
}

interface PointDecoder {
  fromBytes(bytes: Uint8Array): {
    is0(): boolean;
    assertValidity(): void;
    toBytes(compressed: boolean): Uint8Array;
  };
}

function uncompressed(group: PointDecoder, bytes: Uint8Array, length: number): Uint8Array {
  if (bytes.length !== length) throw new RangeError(`${bytes.length} bytes are not ${length}.`);
  return decoded(group, bytes).toBytes(false);
}

function decoded(group: PointDecoder, bytes: Uint8Array) {
  const point = group.fromBytes(bytes);
  point.assertValidity();
  if (point.is0()) throw new RangeError("The point is infinity.");
  return point;
}

function fieldsOf(bytes: Uint8Array): Uint8Array[] {
  const count = bytes.length / FIELD_BYTES;
  return Array.from({ length: count }, (_, i) => bytes.subarray(i * FIELD_BYTES, (i + 1) * FIELD_BYTES));
}

function pad(fields: readonly Uint8Array[]): Uint8Array {
  const padding = new Uint8Array(EIP2537_FIELD_BYTES - FIELD_BYTES);
  return join(fields.flatMap((field) => [padding, field]));
}

function join(parts: readonly Uint8Array[]): Uint8Array {
  return getBytes(concat(parts));
}

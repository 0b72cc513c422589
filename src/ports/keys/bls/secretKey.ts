import { randomBytes } from "node:crypto";
import { bls12_381 } from "@noble/curves/bls12-381.js";
import { computeHmac, concat, getBytes, keccak256, toBeHex, toBigInt, toUtf8Bytes } from "ethers";
import type { Address, Hex } from "../../../records/index.js";
import { KeyError } from "../errors.js";

const POSSESSION_TAG = "witan/possession/2";
const ORDER = bls12_381.fields.Fr.ORDER;

/** What a proof of possession is for: it is invalid for another chain, registry or operator. */
export interface PossessionContext {
  readonly chainId: number;
  readonly registry: Address;
  readonly operator: Address;
}

/** A new BLS12-381 secret key, 32 bytes big-endian, uniform below the group's order. */
export function createBlsKey(): Uint8Array {
  for (;;) {
    const bytes = Uint8Array.from(randomBytes(32));
    const scalar = toBigInt(bytes);
    if (scalar > 0n && scalar < ORDER) return bytes;
  }
}

/** The public key in G1, in the encoding of EIP-2537: 128 bytes. */
export function blsPublicKey(secret: Uint8Array): Hex {
  const { x, y } = bls12_381.G1.Point.BASE.multiply(scalarOf(secret)).toAffine();
  return concat([field(x), field(y)]) as Hex;
}

/**
 * Proves to the node registry that `operator` holds the key's secret: a Schnorr signature in G1 with the key itself, the
 * point R and the scalar s with s·G = R + c·key, 160 bytes, where c binds chain, registry, operator, key and R. See `Possession.sol` for
 * why it is not a BLS signature.
 */
export function provePossession(secret: Uint8Array, { chainId, operator, registry }: PossessionContext): Hex {
  const scalar = scalarOf(secret);
  const place = concat([toBeHex(chainId, 32), registry, operator]);
  const statement = concat([toUtf8Bytes(POSSESSION_TAG), place, blsPublicKey(secret)]);
  // As in RFC 6979, the nonce is derived from secret and statement, so that no two statements share one.
  const nonce = (toBigInt(computeHmac("sha512", secret, getBytes(statement))) % (ORDER - 1n)) + 1n;
  const { x, y } = bls12_381.G1.Point.BASE.multiply(nonce).toAffine();
  const commitment = concat([field(x), field(y)]);
  const challenge = toBigInt(keccak256(concat([statement, commitment]))) % ORDER;
  return concat([commitment, toBeHex((nonce + challenge * scalar) % ORDER, 32)]) as Hex;
}

/** @throws {@link KeyError} `invalid-key` unless these are 32 bytes of a number between 1 and the group's order. */
export function scalarOf(secret: Uint8Array): bigint {
  const scalar = secret.length === 32 ? toBigInt(secret) : 0n;
  if (scalar > 0n && scalar < ORDER) return scalar;
  throw new KeyError("invalid-key", "This is not a BLS12-381 secret key.");
}

/** A field element: 64 bytes big-endian. */
function field(value: bigint): Uint8Array {
  return getBytes(`0x${value.toString(16).padStart(128, "0")}`);
}

import { randomBytes } from "node:crypto";
import { bls12_381 } from "@noble/curves/bls12-381.js";
import { concat, getAddress, getBytes, toBigInt, toUtf8Bytes } from "ethers";
import type { Address, Hex } from "../../records/index.js";
import { KeyError } from "./errors.js";

/**
 * The domain of proofs of possession (draft-irtf-cfrg-bls-signature, section 4.2.3). Nothing else is ever signed under
 * it, so that no ballot can pass for a proof.
 */
const POSSESSION_DOMAIN = "BLS_POP_BLS12381G2_XMD:SHA-256_SSWU_RO_POP_";
const POSSESSION_TAG = "witan/possession/1";
const ORDER = bls12_381.fields.Fr.ORDER;

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
 * Proves to the node registry that the key belongs to `operator`: a signature in G2, in the encoding of EIP-2537, 256
 * bytes, over the operator's address and the public key.
 */
export function provePossession(secret: Uint8Array, operator: Address): Hex {
  const message = concat([toUtf8Bytes(POSSESSION_TAG), getAddress(operator), blsPublicKey(secret)]);
  const point = bls12_381.G2.hashToCurve(getBytes(message), { DST: POSSESSION_DOMAIN });
  const { x, y } = point.multiply(scalarOf(secret)).toAffine();
  return concat([field(x.c0), field(x.c1), field(y.c0), field(y.c1)]) as Hex;
}

/** @throws {@link KeyError} `invalid-key` when these are not 32 bytes of a number between 1 and the group's order. */
export function scalarOf(secret: Uint8Array): bigint {
  const scalar = secret.length === 32 ? toBigInt(secret) : 0n;
  if (scalar > 0n && scalar < ORDER) return scalar;
  throw new KeyError("invalid-key", "This is not a BLS12-381 secret key.");
}

/** A field element: 64 bytes big-endian. */
function field(value: bigint): Uint8Array {
  return getBytes(`0x${value.toString(16).padStart(128, "0")}`);
}

import { bls12_381 } from "@noble/curves/bls12-381.js";
import { getBytes, sha256, toUtf8Bytes } from "ethers";
import fc from "fast-check";
import { createNoble, loadBlst } from "../../../../src/ports/keys/bls/index.js";
import type { BlsLibrary, SignatureSet } from "../../../../src/ports/keys/index.js";

export const native = await loadBlst();
export const pure = createNoble();
export const libraries = [native, pure];

export const digestOf = (text: string) => getBytes(sha256(toUtf8Bytes(text)));
export const [forDigest, againstDigest] = [digestOf("for"), digestOf("against")];
export const ballotsOfAll = { for: [forDigest], against: [againstDigest], abstain: [forDigest, againstDigest] };
export type Support = keyof typeof ballotsOfAll;

const ORDER = bls12_381.fields.Fr.ORDER;
export const secret = fc
  .bigInt({ min: 1n, max: ORDER - 1n })
  .map((scalar) => getBytes(`0x${scalar.toString(16).padStart(64, "0")}`));
export const digest = fc.uint8Array({ minLength: 32, maxLength: 32 });
export const support = fc.constantFrom<Support>("for", "against", "abstain");

export function ballotOf(secret: Uint8Array, support: Support, bls: BlsLibrary = native): SignatureSet {
  const digests = ballotsOfAll[support];
  const signature = bls.aggregate(digests.map((digest) => bls.sign(secret, digest)));
  return { key: bls.publicKey(secret), digests, signature };
}

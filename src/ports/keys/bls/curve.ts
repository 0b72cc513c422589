/** A public key and a signature by it, decoded. */
export interface SignedPair<Key, Signature> {
  readonly key: Key;
  readonly signature: Signature;
}

/**
 * The arithmetic on BLS12-381 that signatures of {@link BALLOT_SUITE} need: keys in G1, signatures in G2, both as points of
 * one implementation. Decoding throws unless the point is on the curve, in the subgroup of prime order and not infinity.
 */
export interface BlsCurve<Key, Signature> {
  readonly name: "blst" | "noble";
  /** The compressed public key, 48 bytes, of a valid secret. */
  publicKey(secret: Uint8Array): Uint8Array;
  /** The compressed signature, 96 bytes. */
  sign(secret: Uint8Array, digest: Uint8Array): Uint8Array;
  /** Decodes 48 bytes compressed or 96 bytes x, y. */
  decodeKey(bytes: Uint8Array): Key;
  /** Decodes 96 bytes compressed. */
  decodeSignature(bytes: Uint8Array): Signature;
  /** 96 bytes compressed. The signature must not be infinity. */
  encodeSignature(signature: Signature): Uint8Array;
  isInfinity(signature: Signature): boolean;
  sumKeys(keys: readonly Key[]): Key;
  sumSignatures(signatures: readonly Signature[]): Signature;
  /** The sums of r·key and of r·signature, with one secret random r of 128 bits, not zero, for each pair. */
  combineRandomly(pairs: readonly SignedPair<Key, Signature>[]): SignedPair<Key, Signature>;
  /** Whether e(G, signature) is the product of e(key, H(digest)); false if a key is infinity. */
  verifyPairings(claims: readonly { readonly key: Key; readonly digest: Uint8Array }[], signature: Signature): boolean;
}

/** The ciphersuite of Ethereum's consensus (draft-irtf-cfrg-bls-signature), with proof of possession. */
export const BALLOT_SUITE = "BLS_SIG_BLS12381G2_XMD:SHA-256_SSWU_RO_POP_";

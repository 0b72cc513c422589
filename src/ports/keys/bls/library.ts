import { hexlify } from "ethers";
import { InvalidInputError } from "../../../errors.js";
import { KeyError } from "../errors.js";
import type { BlsCurve, SignedPair } from "./curve.js";
import {
  EIP2537_KEY_BYTES,
  invalidPublicKey,
  invalidSignature,
  KEY_BYTES,
  SIGNATURE_BYTES,
  unpadKey,
} from "./encoding.js";
import { PublicKeyCache } from "./publicKeyCache.js";
import { scalarOf } from "./secretKey.js";

const DIGEST_BYTES = 32;

/** The claim that each of `keys` signed `digest`. */
export interface BlsClaim {
  /** Public keys, each 48 bytes compressed or 128 bytes in EIP-2537's encoding. */
  readonly keys: readonly Uint8Array[];
  /** 32 bytes. */
  readonly digest: Uint8Array;
}

/** One node's signed ballot: For and Against sign one digest each, an abstention is the sum of both signatures. */
export interface SignatureSet {
  /** A public key, 48 bytes compressed or 128 bytes in EIP-2537's encoding. */
  readonly key: Uint8Array;
  /** The digests that the key signed, 32 bytes each. */
  readonly digests: readonly Uint8Array[];
  /** 96 bytes compressed. */
  readonly signature: Uint8Array;
}

/**
 * BLS12-381 signatures over digests of 32 bytes, and their aggregation: keys in G1, signatures in G2, in the ciphersuite of
 * Ethereum's consensus. Every implementation gives the same bytes and verdicts. An aggregate proves who signed only if all
 * keys come with proofs of possession, which the node registry checks.
 *
 * @example
 * const bls = await loadBls();
 * const abstention = bls.aggregate([bls.sign(secret, forDigest), bls.sign(secret, againstDigest)]);
 * bls.verify([{ keys: [key], digest: forDigest }, { keys: [key], digest: againstDigest }], abstention); // true
 */
export interface BlsLibrary<Decoded = unknown> {
  /** The implementation: blst is machine code, noble is JavaScript. */
  readonly name: "blst" | "noble";

  /**
   * The public key of a secret of 32 bytes: 48 bytes compressed.
   *
   * @throws {@link KeyError} `invalid-key`.
   */
  publicKey(secret: Uint8Array): Uint8Array;

  /**
   * Signs a digest of 32 bytes: 96 bytes compressed.
   *
   * @throws {@link KeyError} `invalid-key`; {@link InvalidInputError} if the digest has another length.
   */
  sign(secret: Uint8Array, digest: Uint8Array): Uint8Array;

  /**
   * The sum of signatures, each 96 bytes: 96 bytes. Does not verify them.
   *
   * @throws {@link KeyError} `invalid-signature` if one is malformed, if the list is empty, or if they cancel out.
   */
  aggregate(signatures: readonly Uint8Array[]): Uint8Array;

  /**
   * Whether `signature` is the sum of the signatures that `claims` name. A key that signed two digests is in two claims.
   * False for malformed bytes, no claims, a claim without keys, and keys that cancel out.
   */
  verify(claims: readonly BlsClaim[], signature: Uint8Array): boolean;

  /**
   * Decodes a ballot and checks that its key and signature are valid points. Does not verify the signature.
   *
   * @throws {@link KeyError} `invalid-public-key` or `invalid-signature`; {@link InvalidInputError} for its digests.
   */
  decodeSignatureSet(ballot: SignatureSet): Decoded;

  /**
   * Whether all of these signatures are valid, by one product of pairings: one for each different digest, and one more. Each
   * ballot gets a random factor; without it, errors in two signatures could cancel out. If any is invalid, it returns true
   * with a chance of 2^-128.
   */
  verifyDecoded(ballots: readonly Decoded[]): boolean;
}

/** A {@link SignatureSet}, decoded. */
interface DecodedSignatureSet<Key, Signature> extends SignedPair<Key, Signature> {
  readonly digests: readonly Uint8Array[];
  /** Equal for all ballots on the same digests. */
  readonly group: string;
}

/** The BLS library on top of a curve's arithmetic: all that every implementation shares. */
export function createLibrary<Key extends NonNullable<unknown>, Signature>(
  curve: BlsCurve<Key, Signature>,
): BlsLibrary<DecodedSignatureSet<Key, Signature>> {
  const ring = new PublicKeyCache(decodeKey);

  function decodeKey(bytes: Uint8Array): Key {
    try {
      if (bytes.length === KEY_BYTES) return curve.decodeKey(bytes);
      if (bytes.length === EIP2537_KEY_BYTES) return curve.decodeKey(unpadKey(bytes));
    } catch (cause) {
      throw invalidPublicKey(cause);
    }
    throw invalidPublicKey(new RangeError(`${bytes.length} bytes are not ${KEY_BYTES} or ${EIP2537_KEY_BYTES}.`));
  }

  function decodeSignature(bytes: Uint8Array): Signature {
    try {
      if (bytes.length === SIGNATURE_BYTES) return curve.decodeSignature(bytes);
    } catch (cause) {
      throw invalidSignature(cause);
    }
    throw invalidSignature(new RangeError(`${bytes.length} bytes are not ${SIGNATURE_BYTES}.`));
  }

  /** Verifies with one hash and one pairing for each digest, with the sum of the keys that signed it. */
  function pairsUp(signers: readonly { readonly digest: Uint8Array; readonly key: Key }[], signature: Signature) {
    const claims = new Map<string, { digest: Uint8Array; keys: Key[] }>();
    for (const { digest, key } of signers) {
      const name = hexlify(digest);
      const claim = claims.get(name);
      if (claim === undefined) claims.set(name, { digest, keys: [key] });
      else claim.keys.push(key);
    }
    const sums = [...claims.values()].map(({ digest, keys }) => ({ digest, key: curve.sumKeys(keys) }));
    return sums.length > 0 && curve.verifyPairings(sums, signature);
  }

  return {
    name: curve.name,

    publicKey(secret) {
      scalarOf(secret);
      return curve.publicKey(secret);
    },

    sign(secret, digest) {
      scalarOf(secret);
      checkDigest(digest);
      return curve.sign(secret, digest);
    },

    aggregate(signatures) {
      if (signatures.length === 0) throw new KeyError("invalid-signature", "There are no signatures to aggregate.");
      const sum = curve.sumSignatures(signatures.map(decodeSignature));
      if (curve.isInfinity(sum)) {
        throw new KeyError("invalid-signature", "These signatures cancel out: their sum is infinity.");
      }
      return curve.encodeSignature(sum);
    },

    verify(claims, signature) {
      if (claims.some(({ keys, digest }) => keys.length === 0 || digest.length !== DIGEST_BYTES)) return false;
      try {
        const signers = claims.flatMap(({ keys, digest }) => keys.map((key) => ({ digest, key: ring.get(key) })));
        return pairsUp(signers, decodeSignature(signature));
      } catch (error) {
        if (error instanceof KeyError) return false;
        throw error;
      }
    },

    decodeSignatureSet({ key, digests, signature }) {
      if (digests.length === 0) throw new InvalidInputError("A ballot needs at least one digest.");
      digests.forEach(checkDigest);
      const group = digests.map((digest) => hexlify(digest)).join();
      return { key: ring.get(key), digests, signature: decodeSignature(signature), group };
    },

    verifyDecoded(ballots) {
      const groups = new Map<string, DecodedSignatureSet<Key, Signature>[]>();
      for (const ballot of ballots) {
        const group = groups.get(ballot.group);
        if (group === undefined) groups.set(ballot.group, [ballot]);
        else group.push(ballot);
      }
      const blends = [...groups.values()].map((group) => ({
        digests: group[0]?.digests ?? [],
        // A single ballot needs no random factor: no other signature could cancel its error.
        ...(group.length === 1 && groups.size === 1 && group[0] !== undefined
          ? group[0]
          : curve.combineRandomly(group)),
      }));
      if (blends.length === 0) return true;
      const signers = blends.flatMap(({ digests, key }) => digests.map((digest) => ({ digest, key })));
      return pairsUp(signers, curve.sumSignatures(blends.map(({ signature }) => signature)));
    },
  };
}

function checkDigest(digest: Uint8Array): void {
  if (digest.length !== DIGEST_BYTES) {
    throw new InvalidInputError(`A digest has ${DIGEST_BYTES} bytes; this has ${digest.length}.`);
  }
}

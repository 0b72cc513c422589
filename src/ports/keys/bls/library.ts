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

/** That each of `keys` signed `digest`. */
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
  /** What the key signed: 32 bytes each. */
  readonly digests: readonly Uint8Array[];
  /** 96 bytes compressed. */
  readonly signature: Uint8Array;
}

/**
 * BLS12-381 signatures over digests of 32 bytes, as nodes make them and aggregators add them up: keys in G1, signatures
 * in G2, in the ciphersuite of Ethereum's consensus. Every implementation gives the same bytes and verdicts. Aggregates
 * prove something only of keys whose possession was proven: see the node registry.
 *
 * @example
 * const bls = await loadBls();
 * const abstention = bls.aggregate([bls.sign(secret, forDigest), bls.sign(secret, againstDigest)]);
 * bls.verify([{ keys: [key], digest: forDigest }, { keys: [key], digest: againstDigest }], abstention); // true
 */
export interface BlsLibrary<Decoded = unknown> {
  /** Which implementation it is: machine code, or JavaScript. */
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
   * @throws {@link KeyError} `invalid-key`; {@link InvalidInputError} when the digest has another length.
   */
  sign(secret: Uint8Array, digest: Uint8Array): Uint8Array;

  /**
   * The sum of signatures, each 96 bytes: 96 bytes. It does not say that they verify.
   *
   * @throws {@link KeyError} `invalid-signature` when one is malformed, when there is none, or when they cancel out.
   */
  aggregate(signatures: readonly Uint8Array[]): Uint8Array;

  /**
   * Whether `signature` is the sum of the signatures that `claims` say. A key that signed two digests is in two claims.
   * Malformed bytes, no claim, a claim without keys and keys that cancel out are all `false`.
   */
  verify(claims: readonly BlsClaim[], signature: Uint8Array): boolean;

  /**
   * A ballot whose key and signature are points that may be used; whether it was signed so is not yet known.
   *
   * @throws {@link KeyError} `invalid-public-key` or `invalid-signature`; {@link InvalidInputError} for its digests.
   */
  decodeSignatureSet(ballot: SignatureSet): Decoded;

  /**
   * Whether every one of these ballots is signed as it says, by one product of pairings, as many as there are different
   * digests and one. Each ballot counts with a random factor: without it, two bad ones could make each other good. A
   * bad lot passes with a chance of 2^-128.
   */
  verifyDecoded(ballots: readonly Decoded[]): boolean;
}

/** A {@link SignatureSet}, decoded. */
interface DecodedSignatureSet<Key, Signature> extends SignedPair<Key, Signature> {
  readonly digests: readonly Uint8Array[];
  /** The same for all ballots on the same digests. */
  readonly group: string;
}

/** Signatures on top of a curve's arithmetic: all that does not depend on whose arithmetic it is. */
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

  /** Each digest is hashed and paired once, with the sum of the keys that signed it. */
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
      if (signatures.length === 0) throw new KeyError("invalid-signature", "There are no signatures to add up.");
      const sum = curve.sumSignatures(signatures.map(decodeSignature));
      if (curve.isInfinity(sum)) {
        throw new KeyError("invalid-signature", "These signatures cancel out: their sum says nothing.");
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
      if (digests.length === 0) throw new InvalidInputError("A ballot without digests says nothing.");
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
        // A ballot alone has nothing to cancel out with.
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

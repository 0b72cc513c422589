import { randomBytes } from "node:crypto";
import { pippenger } from "@noble/curves/abstract/curve.js";
import { bls12_381 } from "@noble/curves/bls12-381.js";
import { hexlify, toBigInt } from "ethers";
import { createLruCache } from "../../../utils/lruCache.js";
import { BALLOT_SUITE, type BlsCurve } from "./curve.js";
import { type BlsLibrary, createLibrary } from "./library.js";

const { G1, G2, pairingBatch, longSignatures } = bls12_381;
const { Fp12 } = bls12_381.fields;
const NEGATED_BASE = G1.Point.BASE.negate();

/** Digests that are hashed once: more than are voted on at a time. */
const MAX_DIGESTS = 256;

type Key = typeof G1.Point.BASE;
type Signature = typeof G2.Point.BASE;

/** BLS signatures by noble, in JavaScript: run everywhere, about 25 times slower than blst. */
export function createNoble(): BlsLibrary {
  const hashed = createLruCache<string, Signature>(MAX_DIGESTS);

  /** The digest on the curve. All ballots on a proposal are over the same two, and hashing one costs as much as a pairing. */
  function hash(digest: Uint8Array): Signature {
    const name = hexlify(digest);
    const known = hashed.get(name);
    if (known !== undefined) return known;
    const point = G2.hashToCurve(digest, { DST: BALLOT_SUITE }) as Signature;
    hashed.set(name, point);
    return point;
  }

  const curve: BlsCurve<Key, Signature> = {
    name: "noble",
    publicKey: (secret) => longSignatures.getPublicKey(secret).toBytes(true),
    sign: (secret, digest) => longSignatures.sign(hash(digest), secret).toBytes(true),
    decodeKey: (bytes) => checked(G1.Point.fromBytes(bytes)),
    decodeSignature: (bytes) => checked(G2.Point.fromBytes(bytes)),
    encodeSignature: (signature) => signature.toBytes(true),
    isInfinity: (signature) => signature.is0(),
    sumKeys: (keys) => keys.reduce((a, b) => a.add(b), G1.Point.ZERO),
    sumSignatures: (signatures) => signatures.reduce((a, b) => a.add(b), G2.Point.ZERO),
    combineRandomly(pairs) {
      const coefficients = pairs.map(randomCoefficient);
      const keys = pairs.map(({ key }) => key);
      const signatures = pairs.map(({ signature }) => signature);
      return {
        key: pippenger(G1.Point, keys, coefficients),
        signature: pippenger(G2.Point, signatures, coefficients),
      };
    },
    verifyPairings(claims, signature) {
      if (signature.is0() || claims.some(({ key }) => key.is0())) return false;
      const sides = claims.map(({ key, digest }) => ({ g1: key, g2: hash(digest) }));
      return Fp12.eql(pairingBatch([{ g1: NEGATED_BASE, g2: signature }, ...sides]), Fp12.ONE);
    },
  };
  return createLibrary(curve);
}

/** Returns the point. Throws unless it is on the curve, in the subgroup and not infinity. */
function checked<Point extends { assertValidity(): void; is0(): boolean }>(point: Point): Point {
  point.assertValidity();
  if (point.is0()) throw new RangeError("The point is infinity.");
  return point;
}

/** 128 bits from the system's randomness; not zero. */
function randomCoefficient(): bigint {
  for (;;) {
    const coefficient = toBigInt(Uint8Array.from(randomBytes(16)));
    if (coefficient !== 0n) return coefficient;
  }
}

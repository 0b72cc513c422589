import type { PublicKey, Signature } from "@chainsafe/blst";
import type { BlsCurve, SignedPair } from "./curve.js";
import { type BlsLibrary, createLibrary } from "./library.js";

/** The bits of blst's own random coefficients. */
const BLST_COEFFICIENT_BITS = 64;
/** The bit of infinity in the first byte of a compressed point. */
const INFINITY_FLAG = 0x40;

/** BLS signatures by blst, which is machine code. Rejects with the import's error if blst cannot be loaded. */
export async function loadBlst(): Promise<BlsLibrary> {
  const blst = await import("@chainsafe/blst");
  const { SecretKey, PublicKey, Signature } = blst;
  type Pair = SignedPair<PublicKey, Signature>;

  const sumKeys = (keys: readonly PublicKey[]) => blst.aggregatePublicKeys([...keys]);
  const sumSignatures = (signatures: readonly Signature[]) => blst.aggregateSignatures([...signatures]);
  const sum = (a: Pair, b: Pair): Pair => ({
    key: sumKeys([a.key, b.key]),
    signature: sumSignatures([a.signature, b.signature]),
  });

  const curve: BlsCurve<PublicKey, Signature> = {
    name: "blst",
    publicKey: (secret) => SecretKey.fromBytes(secret).toPublicKey().toBytes(),
    sign: (secret, digest) => SecretKey.fromBytes(secret).sign(digest).toBytes(),
    decodeKey: (bytes) => PublicKey.fromBytes(bytes, true),
    decodeSignature: (bytes) => Signature.fromBytes(bytes, true),
    encodeSignature: (signature) => signature.toBytes(),
    isInfinity: (signature) => ((signature.toBytes()[0] ?? 0) & INFINITY_FLAG) !== 0,
    sumKeys,
    sumSignatures,
    combineRandomly(pairs) {
      // Uncompressed, so that blst need not compute the square roots a second time.
      const sets = pairs.map(({ key, signature }) => ({ pk: key, sig: signature.toBytes(false) }));
      const blendOf64Bits = (): Pair => {
        const { pk, sig } = blst.aggregateWithRandomness(sets);
        return { key: pk, signature: sig };
      };
      // Two combinations give one with coefficients of 128 bits: a + 2^64·b.
      let upper = blendOf64Bits();
      for (let bit = 0; bit < BLST_COEFFICIENT_BITS; bit++) upper = sum(upper, upper);
      return sum(blendOf64Bits(), upper);
    },
    verifyPairings(claims, signature) {
      const digests = claims.map(({ digest }) => digest);
      const keys = claims.map(({ key }) => key);
      return blst.aggregateVerify(digests, keys, signature);
    },
  };
  return createLibrary(curve);
}

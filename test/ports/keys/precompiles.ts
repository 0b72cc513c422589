import { bls12_381 } from "@noble/curves/bls12-381.js";
import { concat, getBytes, hexlify, type Provider } from "ethers";
import type { BlsClaim } from "../../../src/ports/keys/bls/index.js";
import { BALLOT_DOMAIN, encodeG1, encodeG2, type G1, type G2 } from "../../harness/contracts/eip2537.js";

const G1ADD = `0x${"0b".padStart(40, "0")}`;
const G2ADD = `0x${"0d".padStart(40, "0")}`;
const PAIRING = `0x${"0f".padStart(40, "0")}`;
const NEGATED_BASE = encodeG1(bls12_381.G1.Point.BASE.negate() as G1);
const ONE = `0x${"1".padStart(64, "0")}`;

/** Signatures by the precompiles of EIP-2537 alone, called one after the other, as `BLS12381.sol` calls them. */
export function precompiles(provider: Pick<Provider, "call">) {
  /** What the precompile answers; undefined where it fails, as it does on bad points. */
  const call = (to: string, ...input: (string | Uint8Array)[]): Promise<string | undefined> =>
    provider.call({ to, data: concat(input), gasLimit: 2_000_000 }).then(
      (answer) => answer,
      (error: unknown) => {
        if (/Transaction reverted/.test(String(error))) return undefined;
        throw error;
      },
    );

  async function add(to: string, points: readonly Uint8Array[]): Promise<Uint8Array | undefined> {
    let sum = points[0];
    for (const point of points.slice(1)) {
      const answer = sum && (await call(to, sum, point));
      sum = answer === undefined ? undefined : getBytes(answer);
    }
    return sum;
  }

  return {
    async addSignatures(signatures: readonly Uint8Array[]): Promise<Uint8Array> {
      const sum = await add(G2ADD, signatures);
      if (sum === undefined) throw new Error("The precompile refused to add.");
      return sum;
    },

    /** Keys of 128 bytes, a signature of 256 bytes. */
    async verify(claims: readonly BlsClaim[], signature: Uint8Array): Promise<boolean> {
      const pairs: (string | Uint8Array)[] = [NEGATED_BASE, signature];
      for (const { keys, digest } of claims) {
        const key = await add(G1ADD, keys);
        if (key === undefined || isZero(key)) return false;
        pairs.push(key, pointOf(digest));
      }
      if (claims.length === 0 || isZero(signature)) return false;
      return (await call(PAIRING, ...pairs)) === ONE;
    },
  };
}

const points = new Map<string, string>();

/** A digest on the curve. Most signatures are over one of two digests, and noble takes long for each. */
function pointOf(digest: Uint8Array): string {
  const name = hexlify(digest);
  const point = points.get(name) ?? encodeG2(bls12_381.G2.hashToCurve(digest, { DST: BALLOT_DOMAIN }) as G2);
  points.set(name, point);
  return point;
}

function isZero(bytes: Uint8Array): boolean {
  return /^0x0*$/.test(hexlify(bytes));
}

import { InvalidInputError } from "../../../errors.js";
import { KeyError } from "../errors.js";
import type { BlsLibrary, SignatureSet } from "./library.js";

/** How many ballots are decoded before other work of this process has its turn: some milliseconds to tens of them. */
const DECODED_AT_ONCE = 8;
/** A lot this small is checked ballot by ballot: random factors cost as much as the pairings that halving saves. */
const CHECKED_SINGLY = 8;

export interface VerifySignatureSetsOptions {
  readonly signal?: AbortSignal | undefined;
}

export interface SignatureSetsResult {
  /** The positions of the ballots that are malformed or not signed as they say, in ascending order. */
  readonly bad: readonly number[];
  /** How many products of pairings it took: one when all that could be decoded are good. */
  readonly checks: number;
}

/** A ballot that could be decoded, and its position. */
interface Placed<Decoded> {
  readonly position: number;
  readonly decoded: Decoded;
}

/**
 * Verifies many ballots at once, each by one key, and finds the bad ones: all by one product of pairings and, where that
 * fails, by halves, the smallest ballot by ballot. One bad ballot among 500 costs some 20 products more; if all are bad,
 * it takes up to three times as long as checking them one by one. Other work of this process has its turn in between, though
 * not while a lot is added up.
 *
 * @throws what `signal` was aborted with.
 */
export async function verifySignatureSets<Decoded>(
  bls: BlsLibrary<Decoded>,
  ballots: readonly SignatureSet[],
  { signal }: VerifySignatureSetsOptions = {},
): Promise<SignatureSetsResult> {
  const bad: number[] = [];
  const lot: Placed<Decoded>[] = [];
  for (const [position, ballot] of ballots.entries()) {
    if (position % DECODED_AT_ONCE === 0) await turn(signal);
    const decoded = decode(bls, ballot);
    if (decoded === undefined) bad.push(position);
    else lot.push({ position, decoded });
  }

  let checks = 0;
  const isGood = async (part: readonly Placed<Decoded>[]) => {
    await turn(signal);
    checks += 1;
    return bls.verifyDecoded(part.map(({ decoded }) => decoded));
  };
  if (lot.length > 0 && !(await isGood(lot))) bad.push(...(await findBad(lot, isGood)));
  return { bad: bad.sort((a, b) => a - b), checks };
}

/** The positions of the bad ones in a lot that is known to hold some. */
async function findBad<Decoded>(
  lot: readonly Placed<Decoded>[],
  isGood: (part: readonly Placed<Decoded>[]) => Promise<boolean>,
): Promise<number[]> {
  if (lot.length === 1) return lot.map(({ position }) => position);
  if (lot.length <= CHECKED_SINGLY) {
    const bad: number[] = [];
    for (const ballot of lot) if (!(await isGood([ballot]))) bad.push(ballot.position);
    return bad;
  }
  const half = lot.length >> 1;
  const [left, right] = [lot.slice(0, half), lot.slice(half)];
  if (await isGood(left)) return findBad(right, isGood);
  const bad = await findBad(left, isGood);
  return (await isGood(right)) ? bad : [...bad, ...(await findBad(right, isGood))];
}

function decode<Decoded>(bls: BlsLibrary<Decoded>, ballot: SignatureSet): Decoded | undefined {
  try {
    return bls.decodeSignatureSet(ballot);
  } catch (error) {
    if (error instanceof KeyError || error instanceof InvalidInputError) return undefined;
    throw error;
  }
}

async function turn(signal: AbortSignal | undefined): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
  signal?.throwIfAborted();
}

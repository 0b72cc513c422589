import { InvalidInputError } from "../../../errors.js";
import { KeyError } from "../errors.js";
import type { BlsLibrary, SignatureSet } from "./library.js";

/** Ballots decoded between two yields to the event loop: a few milliseconds with blst, tens of them with noble. */
const DECODED_AT_ONCE = 8;
/** Sets this small are checked one by one: random factors cost as much as the pairings that halving saves. */
const CHECKED_SINGLY = 8;

export interface VerifySignatureSetsOptions {
  readonly signal?: AbortSignal | undefined;
}

export interface SignatureSetsResult {
  /** The positions of the ballots that are malformed or whose signature is invalid, in ascending order. */
  readonly bad: readonly number[];
  /** Products of pairings computed: one if all ballots that could be decoded are valid. */
  readonly checks: number;
}

/** A ballot that could be decoded, and its position. */
interface PositionedSet<Decoded> {
  readonly position: number;
  readonly decoded: Decoded;
}

/**
 * Verifies many ballots at once, each by one key, and finds the invalid ones: all by one product of pairings and, if that
 * fails, by halves, the smallest one by one. One invalid ballot among 500 costs about 20 more products; if all are invalid,
 * it takes up to three times as long as checking them one by one. Yields to the event loop between steps, but not within
 * one product.
 *
 * @throws the reason with which `signal` was aborted.
 */
export async function verifySignatureSets<Decoded>(
  bls: BlsLibrary<Decoded>,
  ballots: readonly SignatureSet[],
  { signal }: VerifySignatureSetsOptions = {},
): Promise<SignatureSetsResult> {
  const bad: number[] = [];
  const lot: PositionedSet<Decoded>[] = [];
  for (const [position, ballot] of ballots.entries()) {
    if (position % DECODED_AT_ONCE === 0) await turn(signal);
    const decoded = decode(bls, ballot);
    if (decoded === undefined) bad.push(position);
    else lot.push({ position, decoded });
  }

  let checks = 0;
  const isGood = async (part: readonly PositionedSet<Decoded>[]) => {
    await turn(signal);
    checks += 1;
    return bls.verifyDecoded(part.map(({ decoded }) => decoded));
  };
  if (lot.length > 0 && !(await isGood(lot))) bad.push(...(await findBad(lot, isGood)));
  return { bad: bad.sort((a, b) => a - b), checks };
}

/** The positions of the invalid ballots among some of which at least one is invalid. */
async function findBad<Decoded>(
  lot: readonly PositionedSet<Decoded>[],
  isGood: (part: readonly PositionedSet<Decoded>[]) => Promise<boolean>,
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

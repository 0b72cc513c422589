import { keccak256 } from "../../../records/encoding/keccak.js";
import type { Hex } from "../../../records/index.js";

const WORD_DIGITS = 8;

/** Whole numbers below 2^32 that follow from `seed` and `label` alone: the words of keccak256 over both and a counter. */
function* words(seed: Hex, label: string): Generator<number> {
  const encoder = new TextEncoder();
  for (let counter = 0; ; counter++) {
    const digest = keccak256(encoder.encode(`${seed}/${label}/${counter}`));
    for (let at = 2; at < digest.length; at += WORD_DIGITS)
      yield Number.parseInt(digest.slice(at, at + WORD_DIGITS), 16);
  }
}

/**
 * Draws `count` of `from` without repeating one, in an order that nobody could know before the seed: a shuffle by Fisher and
 * Yates that stops early. Fewer if there are fewer. The remainder of 32 bits prefers no one by more than 1 in 4 million for a
 * thousand hosts.
 */
export function draw<T>(seed: Hex, label: string, from: readonly T[], count = from.length): T[] {
  const left = [...from];
  const drawn: T[] = [];
  const random = words(seed, label);
  while (drawn.length < count && left.length > 0) {
    const at = (random.next().value as number) % left.length;
    drawn.push(left[at] as T);
    left[at] = left.at(-1) as T;
    left.pop();
  }
  return drawn;
}

import { DIGITS, PIXELS, type Samples } from "./mnist.js";
import { seededRandom, shuffle } from "./random.js";

export interface ShardOptions {
  /** The number of parts that the data are split into. */
  readonly shards: number;
  readonly seed: number;
  /** The number of digits in each part; fewer than ten, so that no node can learn all alone. */
  readonly digits?: number;
}

/** One node's data: the training samples, and the held-out tenth that models are tested on. */
export interface Shard {
  readonly digits: readonly number[];
  readonly train: Samples;
  readonly heldOut: Samples;
}

const DEFAULT_DIGITS = 6;
const HELD_OUT_SHARE = 0.1;

/** The digits that each part holds: neighbours in a seeded circle of all ten, so that together they hold all. */
export function digitsOf({ shards, seed, digits = DEFAULT_DIGITS }: ShardOptions): number[][] {
  const circle = shuffle([0, 1, 2, 3, 4, 5, 6, 7, 8, 9], seededRandom(seed));
  return Array.from({ length: shards }, (_, shard) => {
    const start = Math.floor((shard * DIGITS) / shards);
    return Array.from({ length: digits }, (_each, i) => circle[(start + i) % DIGITS] ?? 0).sort((a, b) => a - b);
  });
}

/** Part `index` of the data, split by label skew: the same on every machine for the same seed. */
export function shardOf(all: Samples, index: number, options: ShardOptions): Shard {
  const parts = digitsOf(options);
  const digits = parts[index] ?? [];
  const chosen: number[] = [];
  for (const digit of digits) {
    const holders = parts.flatMap((part, holder) => (part.includes(digit) ? [holder] : []));
    const samples: number[] = [];
    for (let i = 0; i < all.labels.length; i++) if (all.labels[i] === digit) samples.push(i);
    shuffle(samples, seededRandom(options.seed + digit + 1));
    chosen.push(...samples.filter((_, i) => holders[i % holders.length] === index));
  }
  shuffle(chosen, seededRandom(options.seed + DIGITS + 1 + index));
  const kept = Math.floor(chosen.length * HELD_OUT_SHARE);
  return { digits, train: pick(all, chosen.slice(kept)), heldOut: pick(all, chosen.slice(0, kept)) };
}

function pick(all: Samples, indices: readonly number[]): Samples {
  const images = new Uint8Array(indices.length * PIXELS);
  const labels = new Uint8Array(indices.length);
  indices.forEach((index, i) => {
    images.set(all.images.subarray(index * PIXELS, (index + 1) * PIXELS), i * PIXELS);
    labels[i] = all.labels[index] ?? 0;
  });
  return { images, labels };
}

import pMap from "p-map";
import { type RandomNumbers, shuffled } from "./detection/seatOrder.js";

/** Probes of one sample that are under way at once. */
const PARALLEL = 20;

export interface SampleSeatsParameters {
  /** All seats, this node's own included. */
  readonly size: number;
  /** The seats that may answer: not those that are held silent already, or suspended. */
  readonly others: readonly number[];
  /** How many of them to probe. */
  readonly most: number;
  readonly random: RandomNumbers;
  readonly reaches: (seat: number) => Promise<boolean>;
}

/**
 * Whether more than half of all seats can be reached, by a random sample. A node that was cut off a moment ago does not know
 * yet how many seats it misses.
 */
export async function reachesMost(parameters: SampleSeatsParameters): Promise<boolean> {
  const { most, others, random, reaches, size } = parameters;
  const sample = shuffled(others, random).slice(0, most);
  if (sample.length === 0) return false;
  const answers = await pMap(sample, reaches, { concurrency: PARALLEL });
  const share = answers.filter(Boolean).length / sample.length;
  return (1 + share * others.length) * 2 > size;
}

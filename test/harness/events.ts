import type { BlockHeader, ChainEventName, ChainEventOf, EventPosition } from "../../src/ports/chain/index.js";
import { idOf } from "../records/samples.js";

/** A block by its number. Two forks of a chain have different blocks under one number. */
export const headerOf = (number: number, fork = 0): BlockHeader => ({
  number,
  hash: idOf(`block ${number} of fork ${fork}`),
  time: 1_000 + 10 * number,
});

/** An event as a chain decodes it: its arguments are what the test needs of them. */
export function eventOf<N extends ChainEventName>(
  name: N,
  args: Readonly<Record<string, unknown>>,
  { blockNumber = 1, logIndex = 0, ...rest }: Partial<EventPosition> = {},
): ChainEventOf<N> {
  const place = { blockNumber, logIndex, blockHash: headerOf(blockNumber).hash };
  const transactionHash = idOf(`transaction ${blockNumber}/${logIndex}`);
  return { name, args, ...place, transactionHash, ...rest } as unknown as ChainEventOf<N>;
}

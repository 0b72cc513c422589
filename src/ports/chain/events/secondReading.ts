import type { ChainEvent } from "./event.js";
import type { LogReader } from "./logReader.js";

/** Blocks below the newest one at which a block is read again: two epochs of Ethereum, after which it is final. */
export const DEPTH_BLOCKS = 64;
/** Blocks that are read again at once, where new ones come one by one: one request more for so many. */
export const STEP_BLOCKS = 32;

/**
 * Reads every block a second time once it is deep in the chain, and gives the events that were not there the first time: an RPC
 * node may make a block known before it has indexed all its logs.
 */
export class SecondReading {
  readonly #reader: Pick<LogReader, "read">;
  /** Events of the first reading in blocks that were not read again yet, with their blocks. */
  readonly #known = new Map<string, number>();
  #through: number;

  constructor(reader: Pick<LogReader, "read">, firstBlock: number) {
    this.#reader = reader;
    this.#through = firstBlock - 1;
  }

  /** Notes what the first reading gave. */
  note(events: readonly ChainEvent[]): void {
    for (const event of events) this.#known.set(keyOf(event), event.blockNumber);
  }

  /** The blocks above this one are read for the first time again. */
  rewind(through: number): void {
    this.#through = Math.min(this.#through, through);
  }

  /**
   * Reads the next blocks that are deep enough again, by one request, and gives what was missing.
   *
   * @param through The last block that was read once.
   */
  async advance(through: number, head: number): Promise<readonly ChainEvent[]> {
    const deep = Math.min(through, head - DEPTH_BLOCKS);
    if (deep - this.#through < STEP_BLOCKS) return [];
    const { events, lastBlock } = await this.#reader.read(this.#through + 1, deep);
    const missing = events.filter((event) => !this.#known.has(keyOf(event)));
    this.#through = lastBlock;
    for (const [key, block] of this.#known) if (block <= lastBlock) this.#known.delete(key);
    return missing;
  }
}

/** Names an event on one fork. */
export function keyOf({ blockHash, logIndex }: Pick<ChainEvent, "blockHash" | "logIndex">): string {
  return `${blockHash}/${logIndex}`;
}

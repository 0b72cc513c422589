import { id } from "ethers";
import type { Hex } from "../../../records/index.js";
import type { ChainEvent } from "./event.js";

/** Entries kept: a deeper reorganisation cannot be followed. */
export const JOURNAL_LENGTH = 256;

interface JournaledBlock {
  readonly number: number;
  readonly hash: Hex;
  /** Keys of the events given of the blocks after the entry before, up to this one. */
  readonly given: readonly string[];
}

/** The blocks that were read, by hash, and the events of theirs that were given to the caller. Bounded. */
export class BlockJournal {
  readonly #entries: JournaledBlock[] = [];
  /** Keys of events given from blocks that left the chain; not given again when another block includes them. */
  readonly #displaced = new Set<string>();
  /** Whether entries before the first one existed. */
  #trimmed: boolean;

  /** @param anchor The last block that an earlier process read. The blocks before it are unknown. */
  constructor(anchor?: { readonly number: number; readonly hash: Hex }) {
    this.#trimmed = anchor !== undefined;
    if (anchor !== undefined) this.#entries.push({ ...anchor, given: [] });
  }

  get tip(): JournaledBlock | undefined {
    return this.#entries.at(-1);
  }

  /** The newest entry at or below a height; undefined if none is kept. */
  newestThrough(number: number): JournaledBlock | undefined {
    return this.#entries.findLast((entry) => entry.number <= number);
  }

  /** Whether a reorganisation went further back than the entries kept. */
  get lost(): boolean {
    return this.#trimmed && this.#entries.length === 0;
  }

  /** Removes the newest entry, whose block has left the chain. */
  drop(): void {
    for (const key of this.#entries.pop()?.given ?? []) this.#displaced.add(key);
  }

  /** Records that all blocks through `number` were read, with these events. Returns those not given before. */
  advance(number: number, hash: Hex, events: readonly ChainEvent[]): ChainEvent[] {
    const fresh: ChainEvent[] = [];
    const keys = keysOf(events);
    events.forEach((event, i) => {
      const key = keys[i];
      if (key !== undefined && !this.#displaced.delete(key)) fresh.push(event);
      if (event.blockNumber !== number) this.#note(event.blockNumber, event.blockHash, key);
    });
    const last = keys.filter((_, i) => events[i]?.blockNumber === number);
    this.#entries.push({ number, hash, given: last });
    if (this.#entries.length > JOURNAL_LENGTH) {
      this.#entries.splice(0, this.#entries.length - JOURNAL_LENGTH);
      this.#trimmed = true;
    }
    return fresh;
  }

  /** Those of the events that were not given before, of blocks that were read already and left them out. */
  late(events: readonly ChainEvent[]): ChainEvent[] {
    const keys = keysOf(events);
    return events.filter((_, i) => !this.#displaced.delete(keys[i] ?? ""));
  }

  #note(number: number, hash: Hex, key: string | undefined): void {
    const given = key === undefined ? [] : [key];
    const tip = this.#entries.at(-1);
    if (tip?.number === number) this.#entries[this.#entries.length - 1] = { ...tip, given: [...tip.given, ...given] };
    else this.#entries.push({ number, hash, given });
  }
}

/** Identifies each event by its transaction and content, whichever block includes that transaction, and whether or not others of it are there. */
function keysOf(events: readonly ChainEvent[]): string[] {
  const counts = new Map<string, number>();
  return events.map((event) => {
    const args = JSON.stringify(event.args, (_, value) => (typeof value === "bigint" ? `${value}` : value));
    const content = `${event.transactionHash}/${event.contract}/${event.name}/${args}`;
    const ordinal = counts.get(content) ?? 0;
    counts.set(content, ordinal + 1);
    return id(`${content}/${ordinal}`);
  });
}

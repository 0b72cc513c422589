import { id } from "ethers";
import type { Hex } from "../../../records/index.js";
import type { ChainEvent } from "./event.js";

/** Blocks that are remembered: a reorganisation may go this many entries back. */
export const JOURNAL_LENGTH = 256;

interface JournaledBlock {
  readonly number: number;
  readonly hash: Hex;
  /** The events given of the blocks since the entry before. */
  readonly given: readonly string[];
}

/** Which blocks were read, by hash, and which of their events were given. Bounded. */
export class BlockJournal {
  readonly #entries: JournaledBlock[] = [];
  /** Given, but their blocks have left the chain: not given again when their transactions come back. */
  readonly #displaced = new Set<string>();
  /** Whether entries before the first one existed. */
  #trimmed: boolean;

  /** @param anchor A block read in an earlier life, before which nothing is remembered. */
  constructor(anchor?: { readonly number: number; readonly hash: Hex }) {
    this.#trimmed = anchor !== undefined;
    if (anchor !== undefined) this.#entries.push({ ...anchor, given: [] });
  }

  get tip(): JournaledBlock | undefined {
    return this.#entries.at(-1);
  }

  /** Whether a reorganisation went further back than is remembered. */
  get lost(): boolean {
    return this.#trimmed && this.#entries.length === 0;
  }

  /** Takes back the newest entry, whose block has left the chain. */
  drop(): void {
    for (const key of this.#entries.pop()?.given ?? []) this.#displaced.add(key);
  }

  /** Notes that all blocks through `number` were read, with these events; tells which of them are to be given. */
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

  #note(number: number, hash: Hex, key: string | undefined): void {
    const given = key === undefined ? [] : [key];
    const tip = this.#entries.at(-1);
    if (tip?.number === number) this.#entries[this.#entries.length - 1] = { ...tip, given: [...tip.given, ...given] };
    else this.#entries.push({ number, hash, given });
  }
}

/** What an event is, wherever in the chain its transaction stands. */
function keysOf(events: readonly ChainEvent[]): string[] {
  const counts = new Map<string, number>();
  return events.map((event) => {
    const ordinal = counts.get(event.transactionHash) ?? 0;
    counts.set(event.transactionHash, ordinal + 1);
    const args = JSON.stringify(event.args, (_, value) => (typeof value === "bigint" ? `${value}` : value));
    return id(`${event.transactionHash}/${ordinal}/${event.contract}/${event.name}/${args}`);
  });
}

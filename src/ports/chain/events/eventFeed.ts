import { toQuantity } from "ethers";
import type { Hex } from "../../../records/index.js";
import type { Chain } from "../chain.js";
import { ChainError } from "../errors.js";
import { type BlockHeader, readHeader } from "../rpc/blockHeader.js";
import { type ChainEventName, type ChainEventOf, createDecoder, filterFor } from "./event.js";
import type { RawLog } from "./rawLog.js";

/** All events of a range of blocks, as one chain that did not change while it was read has them. */
export interface EventChunk<N extends ChainEventName = ChainEventName> {
  readonly fromBlock: number;
  /** The last block of the range. */
  readonly last: BlockHeader;
  /** The hash of the block before `fromBlock`; undefined before the first block of all. */
  readonly parentHash: Hex | undefined;
  /** In order. */
  readonly events: readonly ChainEventOf<N>[];
  /** The blocks that the events stand in. */
  readonly blocks: readonly BlockHeader[];
}

export interface EventFeed<N extends ChainEventName = ChainEventName> {
  /**
   * Chunks from `fromBlock` through `toBlock`, in order and without a gap; while one is dealt with, the next ones are fetched.
   * Ends early where the chain changed while it was read: look for the common ancestor and begin again there.
   */
  chunks(fromBlock: number, toBlock: number, signal?: AbortSignal): AsyncGenerator<EventChunk<N>, void, undefined>;
}

export interface EventFeedOptions<N extends ChainEventName> {
  readonly names: readonly N[];
  /** Events that a chunk is meant to hold; the range of blocks grows and shrinks with what the last one held. */
  readonly targetEvents?: number | undefined;
  /** The most blocks of one request. */
  readonly maxBlocks?: number | undefined;
}

/** About 3 MB of JSON, 40 ms of decoding: large enough to amortise a request, small enough to stay responsive. */
const TARGET_EVENTS = 4_000;
/** What public endpoints commonly allow is less, and found out by their refusal. */
const MAX_BLOCKS = 10_000;
const FIRST_BLOCKS = 64;
/** While one chunk is dealt with, the node prepares the next ones. */
const CHUNKS_AHEAD = 3;
/** How much larger than the last a range may be. */
const GROWTH = 4;
/** Headers that are asked for at once where logs do not tell their block's time. */
const PARALLEL_HEADERS = 16;

/** Follows the events of some names by plain `eth_getLogs`, in ranges that adapt to how many events there are. */
export function createEventFeed<N extends ChainEventName>(
  chain: Pick<Chain, "provider" | "addresses" | "read">,
  { names, targetEvents = TARGET_EVENTS, maxBlocks = MAX_BLOCKS }: EventFeedOptions<N>,
): EventFeed<N> {
  const { provider, addresses, read } = chain;
  const filter = filterFor(addresses, { names });
  const decode = createDecoder(addresses);
  /** No endpoint is asked for more again than it refused. */
  let ceiling = maxBlocks;
  let range = Math.min(FIRST_BLOCKS, maxBlocks);

  const header = (at: number) => readHeader(chain, at);

  /** The logs of a range, in as few requests as the endpoint allows. */
  async function logsOf(fromBlock: number, toBlock: number): Promise<readonly RawLog[]> {
    const parts: (readonly RawLog[])[] = [];
    let width = toBlock - fromBlock + 1;
    for (let from = fromBlock; from <= toBlock; ) {
      const to = Math.min(toBlock, from + width - 1);
      try {
        const where = { ...filter, fromBlock: toQuantity(from), toBlock: toQuantity(to) };
        parts.push(await read<RawLog[]>(() => provider.send("eth_getLogs", [where])));
        from = to + 1;
      } catch (error) {
        // A refusal, an answer over the limit or one that took too long: ask for less, down to a single block.
        const tooMuch = error instanceof ChainError && (error.kind === "rpc-error" || error.kind === "rpc-timeout");
        if (!tooMuch || to === from) throw error;
        width = Math.max(1, Math.floor((to - from + 1) / 2));
        range = Math.min(range, width);
        if (error.kind === "rpc-error") ceiling = Math.min(ceiling, width);
      }
    }
    return parts.length === 1 ? (parts[0] ?? []) : parts.flat();
  }

  /**
   * Undefined where the chain changed meanwhile. The end of the range is looked at before and after all else: as long as
   * it is the same block, so is everything below it.
   */
  async function readChunk(fromBlock: number, toBlock: number): Promise<EventChunk<N> | undefined> {
    const last = await header(toBlock);
    if (last === undefined) return undefined;
    const logs = await logsOf(fromBlock, toBlock);
    const parent = fromBlock === 0 ? undefined : await header(fromBlock - 1);
    const blocks = await blocksOf(logs, last);
    const after = await header(toBlock);
    if (blocks === undefined || after?.hash !== last.hash || (fromBlock > 0 && parent === undefined)) return undefined;
    adapt(logs.length, toBlock - fromBlock + 1);
    const events = logs.flatMap((log) => decode(log) ?? []);
    events.sort((a, b) => a.blockNumber - b.blockNumber || a.logIndex - b.logIndex);
    return { fromBlock, last, parentHash: parent?.hash, events: events as ChainEventOf<N>[], blocks };
  }

  function adapt(events: number, blocks: number): void {
    const wanted = events === 0 ? blocks * GROWTH : Math.ceil((blocks * targetEvents) / events);
    range = Math.max(1, Math.min(ceiling, maxBlocks, wanted, blocks * GROWTH));
  }

  /** The blocks of the logs with their times; undefined where two logs tell two hashes of one block. */
  async function blocksOf(logs: readonly RawLog[], last: BlockHeader): Promise<BlockHeader[] | undefined> {
    const found = new Map<Hex, { readonly hash: Hex; readonly timestamp: Hex | undefined }>();
    for (const { blockNumber, blockHash, blockTimestamp } of logs) {
      const known = found.get(blockNumber);
      if (known !== undefined && known.hash !== blockHash) return undefined;
      if (known === undefined) found.set(blockNumber, { hash: blockHash, timestamp: blockTimestamp });
    }
    const blocks: BlockHeader[] = [];
    const untimed: { number: number; hash: Hex }[] = [];
    for (const [quantity, { hash, timestamp }] of found) {
      const number = Number(quantity);
      if (number === last.number && hash !== last.hash) return undefined;
      if (timestamp === undefined) untimed.push({ number, hash });
      else blocks.push({ number, hash, time: Number(timestamp) });
    }
    for (let i = 0; i < untimed.length; i += PARALLEL_HEADERS) {
      const part = untimed.slice(i, i + PARALLEL_HEADERS);
      const headers = await Promise.all(part.map(({ number }) => header(number)));
      for (const [j, { hash }] of part.entries()) {
        const its = headers[j];
        if (its?.hash !== hash) return undefined;
        blocks.push(its);
      }
    }
    return blocks.sort((a, b) => a.number - b.number);
  }

  return {
    async *chunks(fromBlock, toBlock, signal) {
      const ahead: ReturnType<typeof start>[] = [];
      for (let next = fromBlock; next <= toBlock || ahead.length > 0; ) {
        while (next <= toBlock && ahead.length < CHUNKS_AHEAD) {
          const last = Math.min(toBlock, next + range - 1);
          ahead.push(start(next, last));
          next = last + 1;
        }
        const outcome = await ahead.shift();
        signal?.throwIfAborted();
        if (outcome === undefined) return;
        if ("error" in outcome) throw outcome.error;
        if (outcome.chunk === undefined) return;
        yield outcome.chunk;
      }

      /** A failure is kept until it is asked for: a reader that ends early leaves no rejection behind. */
      function start(from: number, to: number): Promise<{ chunk: EventChunk<N> | undefined } | { error: unknown }> {
        return readChunk(from, to).then(
          (chunk) => ({ chunk }),
          (error: unknown) => ({ error }),
        );
      }
    },
  };
}

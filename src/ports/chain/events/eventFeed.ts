import type { Hex } from "../../../records/index.js";
import type { Chain } from "../chain.js";
import { type BlockHeader, headerOf, REORG_WINDOW_BLOCKS, readHeader, readRawHeader } from "../rpc/blockHeader.js";
import { mayBeTooLarge } from "../rpc/refusals.js";
import { type ChainEventName, type ChainEventOf, createDecoder, filterFor } from "./event.js";
import { createOmissionCheck, readCheckedLogs } from "./logs/checkedLogs.js";
import { RangeLimit } from "./logs/rangeLimit.js";
import type { RawLog } from "./rawLog.js";

/** All events of a range of blocks of one chain, which did not change while it was read. */
export interface EventChunk<N extends ChainEventName = ChainEventName> {
  readonly fromBlock: number;
  /** The last block of the range. */
  readonly last: BlockHeader;
  /** The hash of the block before `fromBlock`; undefined if `fromBlock` is 0. */
  readonly parentHash: Hex | undefined;
  /** In order. */
  readonly events: readonly ChainEventOf<N>[];
  /** The blocks of the events. */
  readonly blocks: readonly BlockHeader[];
}

export interface EventFeed<N extends ChainEventName = ChainEventName> {
  /**
   * Chunks from `fromBlock` through `toBlock`, in order and without a gap; fetches the next while the caller handles one.
   * Ends early if the chain changed while it was read: the caller finds the common ancestor and begins again there.
   */
  chunks(fromBlock: number, toBlock: number, signal?: AbortSignal): AsyncGenerator<EventChunk<N>, void, undefined>;
  /** One chunk from `fromBlock` on, at most through `toBlock`; undefined if the chain changed while it was read. */
  chunk(fromBlock: number, toBlock: number): Promise<EventChunk<N> | undefined>;
}

export interface EventFeedOptions<N extends ChainEventName> {
  readonly names: readonly N[];
  /** Events to aim for in a chunk: its range of blocks is scaled by the number of events in the one before. */
  readonly targetEvents?: number | undefined;
  /** The most blocks of one request. */
  readonly maxBlocks?: number | undefined;
}

/** About 3 MB of JSON, 40 ms of decoding: large enough to amortise a request, small enough to stay responsive. */
const TARGET_EVENTS = 4_000;
/** Public endpoints commonly allow fewer and refuse more; then the range shrinks. */
const MAX_BLOCKS = 10_000;
const FIRST_BLOCKS = 64;
/** Chunks requested ahead, so that the RPC node prepares them while the caller handles one. */
const CHUNKS_AHEAD = 3;
/** The most times that a range may be larger than the one before. */
const GROWTH = 4;
/** Headers fetched at the same time if logs lack their block's time. */
const PARALLEL_HEADERS = 16;

/** Reads the events of some names by plain `eth_getLogs`, in ranges that adapt to the number of events. */
export function createEventFeed<N extends ChainEventName>(
  chain: Pick<Chain, "provider" | "addresses" | "read">,
  { names, targetEvents = TARGET_EVENTS, maxBlocks = MAX_BLOCKS }: EventFeedOptions<N>,
): EventFeed<N> {
  const { provider, addresses } = chain;
  const filter = filterFor(addresses, { names });
  const decode = createDecoder(addresses);
  const withOmitted = createOmissionCheck(provider, filter);
  const limit = new RangeLimit(maxBlocks);
  let range = Math.min(FIRST_BLOCKS, maxBlocks);

  const header = (at: number) => readHeader(chain, at);

  /** The logs of a range, in as few requests as the endpoint allows. */
  async function logsOf(fromBlock: number, toBlock: number): Promise<readonly RawLog[]> {
    const parts: (readonly RawLog[])[] = [];
    let width = toBlock - fromBlock + 1;
    for (let from = fromBlock; from <= toBlock; ) {
      const to = Math.min(toBlock, from + width - 1);
      const blocks = to - from + 1;
      try {
        parts.push(await readCheckedLogs(provider, filter, [from, to]));
        limit.accepted(blocks);
        from = to + 1;
      } catch (error) {
        // The range was refused, its answer was too large or too slow: request less, down to a single block.
        if (!mayBeTooLarge(error) || blocks === 1) throw error;
        width = Math.max(1, Math.floor(blocks / 2));
        range = Math.min(range, width);
        limit.refused(blocks);
      }
    }
    return parts.length === 1 ? (parts[0] ?? []) : parts.flat();
  }

  /**
   * Undefined if the chain changed meanwhile. Reads the range's last block before and after all else: if it is the same
   * block, so are all blocks below it.
   *
   * @param unsettledFrom The block from which on a fork may still change the chain: logs of these blocks are compared with headers.
   */
  async function readChunk(
    fromBlock: number,
    toBlock: number,
    unsettledFrom: number,
  ): Promise<EventChunk<N> | undefined> {
    const raw = await readRawHeader(chain, toBlock);
    if (raw === undefined) return undefined;
    const last = headerOf(raw);
    const logs = await withOmitted(await logsOf(fromBlock, toBlock), raw);
    const parent = fromBlock === 0 ? undefined : await header(fromBlock - 1);
    const blocks = await blocksOf(logs, last, unsettledFrom);
    const after = await header(toBlock);
    if (blocks === undefined || after?.hash !== last.hash || (fromBlock > 0 && parent === undefined)) return undefined;
    adapt(logs.length, toBlock - fromBlock + 1);
    const events = logs.flatMap((log) => decode(log) ?? []);
    return { fromBlock, last, parentHash: parent?.hash, events: events as ChainEventOf<N>[], blocks };
  }

  function adapt(events: number, blocks: number): void {
    const wanted = events === 0 ? blocks * GROWTH : Math.ceil((blocks * targetEvents) / events);
    range = Math.max(1, Math.min(limit.blocks, wanted, blocks * GROWTH));
  }

  /** The blocks of the logs with their times; undefined if a log has another hash of its block than the chain or another log. */
  async function blocksOf(
    logs: readonly RawLog[],
    last: BlockHeader,
    unsettledFrom: number,
  ): Promise<BlockHeader[] | undefined> {
    const found = new Map<Hex, { readonly hash: Hex; readonly timestamp: Hex | undefined }>();
    for (const { blockNumber, blockHash, blockTimestamp } of logs) {
      const known = found.get(blockNumber);
      if (known !== undefined && known.hash !== blockHash) return undefined;
      if (known === undefined) found.set(blockNumber, { hash: blockHash, timestamp: blockTimestamp });
    }
    const blocks: BlockHeader[] = [];
    const unchecked: { number: number; hash: Hex }[] = [];
    for (const [quantity, { hash, timestamp }] of found) {
      const number = Number(quantity);
      if (number === last.number && hash !== last.hash) return undefined;
      if (number === last.number) blocks.push(last);
      else if (timestamp === undefined || number >= unsettledFrom) unchecked.push({ number, hash });
      else blocks.push({ number, hash, time: Number(timestamp) });
    }
    for (let i = 0; i < unchecked.length; i += PARALLEL_HEADERS) {
      const part = unchecked.slice(i, i + PARALLEL_HEADERS);
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
    chunk: (fromBlock, toBlock) =>
      readChunk(fromBlock, Math.min(toBlock, fromBlock + range - 1), toBlock - REORG_WINDOW_BLOCKS + 1),
    async *chunks(fromBlock, toBlock, signal) {
      const ahead: ReturnType<typeof start>[] = [];
      for (let next = fromBlock; next <= toBlock || ahead.length > 0; ) {
        while (next <= toBlock && ahead.length < CHUNKS_AHEAD) {
          const last = Math.min(toBlock, next + range - 1);
          ahead.push(start(next, last, toBlock - REORG_WINDOW_BLOCKS + 1));
          next = last + 1;
        }
        const outcome = await ahead.shift();
        signal?.throwIfAborted();
        if (outcome === undefined) return;
        if ("error" in outcome) throw outcome.error;
        if (outcome.chunk === undefined) return;
        yield outcome.chunk;
      }

      /** Returns an error as a value, so that a caller that stops early leaves no unhandled rejection. */
      function start(
        from: number,
        to: number,
        unsettledFrom: number,
      ): Promise<{ chunk: EventChunk<N> | undefined } | { error: unknown }> {
        return readChunk(from, to, unsettledFrom).then(
          (chunk) => ({ chunk }),
          (error: unknown) => ({ error }),
        );
      }
    },
  };
}

import type { BaseError } from "../../../errors.js";
import type { Hex } from "../../../records/index.js";
import type { Clock } from "../../../utils/clock.js";
import { retryDelay } from "../../../utils/timing/retryDelay.js";
import { toChainError } from "../contracts/revert.js";
import { ChainError } from "../errors.js";
import {
  behindError,
  hasLeftChain,
  type RawBlockHeader,
  REORG_WINDOW_BLOCKS,
  readRawHeader,
} from "../rpc/blockHeader.js";
import type { FailoverProvider } from "../rpc/provider.js";
import { quantityOf } from "../rpc/quantity.js";
import { BlockJournal } from "./blockJournal.js";
import type { ChainEvent, EventSelection } from "./event.js";
import type { LogReader } from "./logReader.js";
import { SecondReading } from "./secondReading.js";

/** The last event that the caller handled. Its block's hash reveals a reorganisation while the process was down. */
export interface EventCursor {
  readonly blockNumber: number;
  readonly logIndex: number;
  readonly blockHash?: Hex;
}

export interface WatchOptions extends EventSelection {
  /** The first block to read; the deployment's block by default. Ignored if `cursor` is given. */
  readonly fromBlock?: number | undefined;
  /** The event to continue after. */
  readonly cursor?: EventCursor | undefined;
  /** Confirmations before an event is given, its own block included; 1, the default, gives it at once. */
  readonly confirmations?: number | undefined;
  readonly signal?: AbortSignal | undefined;
  /** The pause between two polls of the chain, in milliseconds. */
  readonly pollMs?: number | undefined;
  /** Called with every error that the watch retries after, and with every reorganisation. */
  readonly onError?: ((error: BaseError) => void) | undefined;
}

/** The longest pause after failures in a row. */
const MAX_BACK_OFF_MS = 30_000;

/** The chain functions that a watch needs. */
export interface WatchSource {
  readonly provider: FailoverProvider;
  readonly reader: LogReader;
  readonly firstBlock: number;
  readonly clock: Clock;
  readonly pollMs: number;
}

/**
 * Yields events in order, each once, from a cursor on, until the signal aborts. It reports errors of the RPC and retries
 * after growing pauses. It reports a reorganisation deeper than the confirmations, reads again from the last common block,
 * and yields only events that it has not yielded before. It reads every block a second time once that is deep in the chain: an
 * event that the RPC had left out is yielded then, late.
 *
 * @throws {@link ChainError} `reorg-too-deep` if the last common block is no longer in the journal, and every error that
 * is not retryable.
 */
export async function* watchEvents(
  source: WatchSource,
  options: WatchOptions,
): AsyncGenerator<ChainEvent, void, undefined> {
  const { provider, reader, clock } = source;
  const { cursor, confirmations = 1, signal, pollMs = source.pollMs, onError = () => undefined } = options;
  const chain = { provider, read: <T>(call: () => Promise<T>) => call() };
  const start = cursor?.blockNumber ?? options.fromBlock ?? source.firstBlock;
  const journal = new BlockJournal(
    cursor?.blockHash === undefined ? undefined : { number: cursor.blockNumber, hash: cursor.blockHash },
  );
  const secondReading = new SecondReading(reader, start);
  let next = start;
  let failures = 0;
  let waiting: ChainEvent[] = [];

  const ended = () => signal?.aborted === true;
  while (!ended()) {
    let caughtUp = true;
    try {
      const head = quantityOf(await provider.send("eth_blockNumber", []), "the number of its newest block");
      await rewind(head);
      caughtUp = await advance(head);
      const late = await secondReading.advance(next - 1, head);
      waiting.push(...journal.late(late.filter(isAfterCursor)));
      failures = 0;
    } catch (error) {
      const told = toChainError(error);
      if (!told.retryable) throw told;
      onError(told);
      failures += 1;
    }
    const events = waiting;
    waiting = [];
    for (const event of events) {
      if (ended()) return;
      yield event;
    }
    if (caughtUp)
      await sleepUnlessAborted(clock, retryDelay(failures + 1, pollMs, Math.max(pollMs, MAX_BACK_OFF_MS)), signal);
  }

  /** Goes back to the newest block that was read and is still in the chain. @throws `rpc-behind` if that cannot be told yet. */
  async function rewind(head: number): Promise<void> {
    const before = next;
    for (let { tip } = journal; tip !== undefined; tip = journal.tip) {
      // A node that lacks the block has not come so far, unless it has another one below.
      const known = tip.number > head ? journal.newestThrough(head) : tip;
      if (known === undefined) throw behindError(tip.number);
      const hasLeft = await hasLeftChain(chain, known);
      if (!hasLeft && known !== tip) throw behindError(tip.number);
      if (!hasLeft) break;
      journal.drop();
      if (journal.lost) {
        throw new ChainError(
          "reorg-too-deep",
          `The chain changed at block ${tip.number}, further back than its journal reaches.`,
          {
            hints: ["Read again from the deployment's block."],
          },
        );
      }
      next = journal.tip === undefined ? start : journal.tip.number + 1;
    }
    if (next < before) {
      secondReading.rewind(next - 1);
      onError(new ChainError("reorganised", `The chain was reorganised: reading again from block ${next}.`));
    }
  }

  /** Reads the next blocks. Resolves with whether there are no more. */
  async function advance(head: number): Promise<boolean> {
    const target = head - Math.max(confirmations, 1) + 1;
    if (next > target) return true;
    const before = await readRawHeader(chain, target);
    const { events: given, lastBlock } = await reader.read(next, target);
    const last = lastBlock === target ? before : await readRawHeader(chain, lastBlock);
    if (last === undefined) return true;
    const hasLast = given.some(({ blockNumber }) => blockNumber === lastBlock);
    const events = hasLast ? given : [...given, ...(await reader.readBlock(last))];
    const areInChain = await haveHashesOfChain(events, last, head);
    const after = await readRawHeader(chain, target);
    // The chain changed between the reads: the events may mix two forks.
    if (before === undefined || !areInChain || before.hash !== after?.hash) return true;
    next = lastBlock + 1;
    secondReading.note(events);
    waiting.push(...journal.advance(lastBlock, last.hash, events.filter(isAfterCursor)));
    return lastBlock === target;
  }

  /** Whether the events name the blocks that the chain has. Only blocks that a fork may still replace are compared. */
  async function haveHashesOfChain(
    events: readonly ChainEvent[],
    last: RawBlockHeader,
    head: number,
  ): Promise<boolean> {
    const hashes = new Map<number, Hex>([[Number(last.number), last.hash]]);
    for (const { blockNumber, blockHash } of events) {
      if (blockNumber <= head - REORG_WINDOW_BLOCKS) continue;
      const known = hashes.get(blockNumber) ?? (await readRawHeader(chain, blockNumber))?.hash;
      if (known !== blockHash) return false;
      hashes.set(blockNumber, known);
    }
    return true;
  }

  function isAfterCursor(event: ChainEvent): boolean {
    return !isThrough(event, cursor);
  }
}

function isThrough(event: ChainEvent, cursor: EventCursor | undefined): boolean {
  return event.blockNumber === cursor?.blockNumber && event.logIndex <= cursor.logIndex;
}

async function sleepUnlessAborted(clock: Clock, milliseconds: number, signal: AbortSignal | undefined): Promise<void> {
  try {
    await clock.sleep(milliseconds, signal);
  } catch (error) {
    // Aborted: the loop checks the signal and ends.
    if (signal?.aborted !== true) throw error;
  }
}

import { toQuantity } from "ethers";
import type { BaseError } from "../../../errors.js";
import type { Hex } from "../../../records/index.js";
import type { Clock } from "../../../utils/clock.js";
import { retryDelay } from "../../../utils/timing/retryDelay.js";
import { toChainError } from "../contracts/revert.js";
import { ChainError } from "../errors.js";
import type { FailoverProvider } from "../rpc/provider.js";
import { BlockJournal } from "./blockJournal.js";
import type { ChainEvent, EventSelection } from "./event.js";
import type { LogReader } from "./logReader.js";

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

interface RawWatchedHeader {
  readonly number: Hex;
  readonly hash: Hex;
}

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
 * and yields only events that it has not yielded before.
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
  const start = cursor?.blockNumber ?? options.fromBlock ?? source.firstBlock;
  const journal = new BlockJournal(
    cursor?.blockHash === undefined ? undefined : { number: cursor.blockNumber, hash: cursor.blockHash },
  );
  let next = start;
  let failures = 0;

  const ended = () => signal?.aborted === true;
  while (!ended()) {
    let events: readonly ChainEvent[] = [];
    let caughtUp = true;
    try {
      await rewind();
      ({ events, caughtUp } = await advance());
      failures = 0;
    } catch (error) {
      const told = toChainError(error);
      if (!told.retryable) throw told;
      onError(told);
      failures += 1;
    }
    for (const event of events) {
      if (ended()) return;
      yield event;
    }
    if (caughtUp)
      await sleepUnlessAborted(clock, retryDelay(failures + 1, pollMs, Math.max(pollMs, MAX_BACK_OFF_MS)), signal);
  }

  /** Goes back to the newest block that was read and is still in the chain. */
  async function rewind(): Promise<void> {
    const before = next;
    for (let { tip } = journal; tip !== undefined; tip = journal.tip) {
      if ((await headerAt(tip.number))?.hash === tip.hash) break;
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
      onError(new ChainError("reorganised", `The chain was reorganised: reading again from block ${next}.`));
    }
  }

  async function advance(): Promise<{ events: readonly ChainEvent[]; caughtUp: boolean }> {
    const head = Number(await provider.send("eth_blockNumber", []));
    const target = head - Math.max(confirmations, 1) + 1;
    if (next > target) return { events: [], caughtUp: true };
    const before = await headerAt(target);
    const { events, lastBlock } = await reader.read(next, target);
    const last = lastBlock === target ? before : await headerAt(lastBlock);
    const after = await headerAt(target);
    // The chain changed between the reads: the events may mix two forks.
    if (before === null || last === null || before.hash !== after?.hash) return { events: [], caughtUp: true };
    const unseen = events.filter((event) => !isThrough(event, cursor));
    next = lastBlock + 1;
    return { events: journal.advance(lastBlock, last.hash, unseen), caughtUp: lastBlock === target };
  }

  async function headerAt(number: number): Promise<RawWatchedHeader | null> {
    return provider.send("eth_getBlockByNumber", [toQuantity(number), false]);
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

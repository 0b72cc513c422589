import { toQuantity } from "ethers";
import { ChainError } from "../errors.js";
import type { FailoverProvider } from "../rpc/provider.js";
import type { ChainEvent, LogFilter } from "./event.js";
import type { RawLog } from "./rawLog.js";

/** Blocks of one request, if the endpoint allows it. Public endpoints commonly cap at 1,000 to 10,000. */
export const DEFAULT_BLOCK_RANGE = 1_000;

/** Reads logs in ranges of blocks that shrink when an endpoint refuses one, and grow again afterwards. */
export interface LogReader {
  /** The events of one request from `fromBlock`, at most to `toBlock`, and the last block that it covered. */
  read(fromBlock: number, toBlock: number): Promise<{ events: ChainEvent[]; lastBlock: number }>;
}

/** Reads logs with plain `eth_getLogs`, in ranges of at most `blockRange` blocks. */
export function createLogReader(options: {
  readonly provider: FailoverProvider;
  readonly filter: LogFilter;
  readonly decode: (log: RawLog) => ChainEvent | undefined;
  readonly blockRange?: number | undefined;
}): LogReader {
  const { provider, filter, decode, blockRange = DEFAULT_BLOCK_RANGE } = options;
  let range = blockRange;

  return {
    async read(fromBlock, toBlock) {
      for (;;) {
        const lastBlock = Math.min(toBlock, fromBlock + range - 1);
        try {
          const logs: RawLog[] = await provider.send("eth_getLogs", [
            { ...filter, fromBlock: toQuantity(fromBlock), toBlock: toQuantity(lastBlock) },
          ]);
          range = Math.min(blockRange, range * 2);
          const events = logs.flatMap((log) => decode(log) ?? []);
          return { events: events.sort(byPosition), lastBlock };
        } catch (error) {
          // The caller retries connection failures; a refusal usually means "too many results".
          if (error instanceof ChainError || lastBlock === fromBlock) throw error;
          range = Math.max(1, Math.floor((lastBlock - fromBlock + 1) / 2));
        }
      }
    },
  };
}

function byPosition(a: ChainEvent, b: ChainEvent): number {
  return a.blockNumber - b.blockNumber || a.logIndex - b.logIndex;
}

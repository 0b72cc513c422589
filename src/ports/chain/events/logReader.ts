import type { RawBlockHeader } from "../rpc/blockHeader.js";
import { mayBeTooLarge } from "../rpc/refusals.js";
import type { ChainEvent, LogFilter } from "./event.js";
import { createOmissionCheck, type LogProvider, readCheckedLogs } from "./logs/checkedLogs.js";
import { RangeLimit } from "./logs/rangeLimit.js";
import type { RawLog } from "./rawLog.js";

/** Blocks of one request, if the endpoint allows it. Public endpoints commonly cap at 1,000 to 10,000. */
const DEFAULT_BLOCK_RANGE = 1_000;

/** Reads logs in ranges of blocks that shrink when an endpoint refuses one, and grow again afterwards. */
export interface LogReader<E = ChainEvent> {
  /** The events of one request from `fromBlock`, at most to `toBlock`, and the last block that it covered. */
  read(fromBlock: number, toBlock: number): Promise<{ events: readonly E[]; lastBlock: number }>;
  /** The events of the block with this header, if it may have some. */
  readBlock(header: RawBlockHeader): Promise<readonly E[]>;
}

/** Reads logs with plain `eth_getLogs`, in ranges of at most `blockRange` blocks. `decode` gives undefined for logs to leave out. */
export function createLogReader<E>(options: {
  readonly provider: LogProvider;
  readonly filter: LogFilter;
  readonly decode: (log: RawLog) => E | undefined;
  readonly blockRange?: number | undefined;
}): LogReader<E> {
  const { provider, filter, decode, blockRange = DEFAULT_BLOCK_RANGE } = options;
  const limit = new RangeLimit(blockRange);
  const withOmitted = createOmissionCheck(provider, filter);

  return {
    async read(fromBlock, toBlock) {
      for (;;) {
        const lastBlock = Math.min(toBlock, fromBlock + limit.blocks - 1);
        const blocks = lastBlock - fromBlock + 1;
        try {
          const logs = await readCheckedLogs(provider, filter, [fromBlock, lastBlock]);
          limit.accepted(blocks);
          return { events: logs.flatMap((log) => decode(log) ?? []), lastBlock };
        } catch (error) {
          if (!mayBeTooLarge(error) || blocks === 1) throw error;
          limit.refused(blocks);
        }
      }
    },
    async readBlock(header) {
      return (await withOmitted([], header)).flatMap((log) => decode(log) ?? []);
    },
  };
}

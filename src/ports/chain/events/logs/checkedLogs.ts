import { isHexString, toQuantity } from "ethers";
import pMap from "p-map";
import type { Hex } from "../../../../records/index.js";
import { toChainError } from "../../contracts/revert.js";
import { ChainError, type ChainErrorKind } from "../../errors.js";
import type { RawBlockHeader } from "../../rpc/blockHeader.js";
import type { FailoverProvider } from "../../rpc/provider.js";
import type { LogFilter } from "../event.js";
import type { RawLog } from "../rawLog.js";
import { createBloomTest } from "./bloom.js";

/** Receipts that are read at once. */
const PARALLEL = 16;

/** A block's logs cannot be had by its hash, at least now. */
const UNANSWERED: readonly ChainErrorKind[] = ["rpc-error", "rpc-state-missing", "rpc-behind"];

export type LogProvider = Pick<FailoverProvider, "send" | "sendToAnother">;

/**
 * The logs of a range of blocks, in order and each once, whatever the endpoint repeats or mixes up. If another endpoint is well,
 * it is asked for the same range: a log that it alone gives is taken if the receipt that the first one gives has it too, as
 * after an index that was late. So a wrong address can neither hide an event nor invent one.
 *
 * @throws {@link ChainError} `rpc-*`, `rpc-state-missing`.
 */
export async function readCheckedLogs(
  provider: LogProvider,
  filter: LogFilter,
  [fromBlock, toBlock]: readonly [from: number, to: number],
): Promise<readonly RawLog[]> {
  const params = [{ ...filter, fromBlock: toQuantity(fromBlock), toBlock: toQuantity(toBlock) }];
  const isWithin = ({ blockNumber }: RawLog) => Number(blockNumber) >= fromBlock && Number(blockNumber) <= toBlock;
  const [own, others] = await Promise.all([
    send<readonly RawLog[]>(provider, "eth_getLogs", params),
    provider.sendToAnother<readonly RawLog[]>("eth_getLogs", params),
  ]);
  if (!Array.isArray(own)) throw new ChainError("rpc-error", "The RPC node gives no list of logs.");
  const logs = own.filter((log) => isLog(log) && isWithin(log));
  if (!Array.isArray(others)) return inOrder(logs);
  const known = new Set(logs.map(placeOf));
  const missing = others.filter((log) => isLog(log) && isWithin(log) && !known.has(placeOf(log)));
  return inOrder([...logs, ...(await confirmed(provider, missing))]);
}

/**
 * Builds a function that gives the logs of a block once more if the block's header says that it may have some, although none was
 * given: an endpoint may make a block known before its logs.
 */
export function createOmissionCheck(provider: LogProvider, filter: LogFilter) {
  const mayHaveLogs = createBloomTest(filter);
  return async (given: readonly RawLog[], { hash, logsBloom }: RawBlockHeader): Promise<readonly RawLog[]> => {
    if (!isHexString(logsBloom) || !mayHaveLogs(logsBloom as Hex)) return given;
    if (given.some(({ blockHash }) => blockHash === hash)) return given;
    const logs = await logsOfBlock(hash);
    return inOrder([...given, ...logs.filter((log) => isLog(log) && log.blockHash === hash)]);
  };

  async function logsOfBlock(blockHash: Hex): Promise<readonly RawLog[]> {
    try {
      return await send<readonly RawLog[]>(provider, "eth_getLogs", [{ ...filter, blockHash }]);
    } catch (error) {
      // The block has left the chain, which the caller finds out, or the node cannot be asked so. The block is read again later.
      if (error instanceof ChainError && UNANSWERED.includes(error.kind)) return [];
      throw error;
    }
  }
}

/** Those of the logs that the endpoint in use has in its receipts. */
async function confirmed(provider: LogProvider, logs: readonly RawLog[]): Promise<readonly RawLog[]> {
  const found = new Set<string>();
  await pMap(
    new Set(logs.map(({ transactionHash }) => transactionHash)),
    async (hash) => {
      type Receipt = { readonly logs: readonly RawLog[] } | null;
      const receipt = await send<Receipt>(provider, "eth_getTransactionReceipt", [hash]);
      for (const log of receipt?.logs ?? []) found.add(placeOf(log));
    },
    { concurrency: PARALLEL },
  );
  return logs.filter((log) => found.has(placeOf(log)));
}

async function send<T>(provider: LogProvider, method: string, params: unknown[]): Promise<T> {
  try {
    return await provider.send(method, params);
  } catch (error) {
    throw toChainError(error);
  }
}

/** Whether it is a log of a block that is in the chain, and not one that waits for its block or has lost it. */
function isLog(log: RawLog & { readonly removed?: boolean }): boolean {
  return log.removed !== true && log.blockNumber !== null && log.blockHash !== null && log.logIndex !== null;
}

function placeOf({ blockHash, logIndex }: RawLog): string {
  return `${blockHash}/${Number(logIndex)}`;
}

function inOrder(logs: readonly RawLog[]): readonly RawLog[] {
  // As almost every node gives them: nothing is to be done.
  if (logs.every((log, i) => i === 0 || byPlace(logs[i - 1] as RawLog, log) < 0)) return logs;
  const once = new Map(logs.map((log) => [placeOf(log), log]));
  return [...once.values()].sort(byPlace);
}

function byPlace(a: RawLog, b: RawLog): number {
  return Number(a.blockNumber) - Number(b.blockNumber) || Number(a.logIndex) - Number(b.logIndex);
}

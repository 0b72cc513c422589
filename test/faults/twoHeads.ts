import type { Eip1193Provider } from "../../src/ports/chain/index.js";
import type { RpcFault } from "./rpcProxy.js";

interface Block {
  readonly number: string;
  readonly hash: string;
}

/** The newest blocks of a chain as they were, with their logs. */
export interface RecordedFork {
  readonly firstBlock: number;
  readonly blocks: readonly Block[];
  readonly logs: readonly { readonly blockNumber: string; readonly blockHash: string; readonly address: string }[];
}

const hex = (value: number) => `0x${value.toString(16)}`;

/** Notes the blocks from a height on before they are replaced. */
export async function recordFork(node: Eip1193Provider, firstBlock: number): Promise<RecordedFork> {
  const head = Number(await node.request({ method: "eth_blockNumber" }));
  const numbers = Array.from({ length: head - firstBlock + 1 }, (_, i) => hex(firstBlock + i));
  const blocks = await Promise.all(
    numbers.map((number) => node.request({ method: "eth_getBlockByNumber", params: [number, false] })),
  );
  const range = { fromBlock: hex(firstBlock), toBlock: hex(head) };
  const logs = await node.request({ method: "eth_getLogs", params: [range] });
  return { firstBlock, blocks: blocks as Block[], logs: logs as RecordedFork["logs"] };
}

/**
 * The address stands for two nodes that have not agreed yet: by turns it answers from the chain as it is and from another fork of
 * the same height, both consistently, with headers and logs. It does not know the other fork's blocks by their hashes.
 *
 * @param isOther Whether the other fork answers a request, by the number of requests before it; every second one by default.
 */
export function twoHeads(fork: RecordedFork, isOther = (count: number) => count % 2 === 1): RpcFault {
  let count = 0;
  return async (request, next) => {
    const { method, params } = request;
    if (!["eth_getBlockByNumber", "eth_getLogs"].includes(method) || !isOther(count++)) return next(request);
    if (method === "eth_getBlockByNumber") {
      const at = params[0] === "latest" || params[0] === "pending" ? undefined : Number(params[0]);
      const found = at === undefined ? fork.blocks.at(-1) : fork.blocks.find(({ number }) => Number(number) === at);
      return found === undefined ? next(request) : { result: found };
    }
    const filter = params[0] as {
      fromBlock?: string;
      toBlock?: string;
      blockHash?: string;
      address: readonly string[];
    };
    const isOurs = (address: string) => filter.address.some((one) => one.toLowerCase() === address.toLowerCase());
    if (filter.blockHash !== undefined) {
      const isKnown = fork.blocks.some(({ hash }) => hash === filter.blockHash);
      const own = fork.logs.filter(({ address, blockHash }) => blockHash === filter.blockHash && isOurs(address));
      return isKnown ? { result: own } : { error: { code: -32_000, message: "unknown block" } };
    }
    const [from, to] = [Number(filter.fromBlock), Number(filter.toBlock)];
    const below =
      from < fork.firstBlock
        ? await next({ method, params: [{ ...filter, toBlock: hex(Math.min(to, fork.firstBlock - 1)) }] })
        : { result: [] };
    if (!("result" in below)) return below;
    const within = fork.logs.filter(
      ({ address, blockNumber }) => Number(blockNumber) >= from && Number(blockNumber) <= to && isOurs(address),
    );
    return { result: [...(below.result as unknown[]), ...within] };
  };
}

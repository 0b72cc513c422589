import type { RpcFault, RpcReply, RpcRequest } from "./rpcProxy.js";

/** How an RPC node misbehaves, for {@link RpcProxy.add}. Each works on any chain, Hardhat's, geth's or Anvil's. */

interface Log {
  readonly blockNumber: string;
  readonly blockHash: string;
  readonly logIndex: string;
}

const hex = (value: number) => `0x${value.toString(16)}`;

/** The block number or tag that a request is about; undefined if it is about none. */
function blockOf({ method, params }: RpcRequest): unknown {
  if (method === "eth_getBlockByNumber") return params[0];
  const stateful = ["eth_call", "eth_getCode", "eth_getBalance", "eth_getTransactionCount"];
  return stateful.includes(method) ? params[1] : undefined;
}

/** The node has stopped at a block: it knows of none above, and says nothing of it. */
export function stuckAt(block: number): RpcFault {
  return async (request, next) => {
    const { method, params } = request;
    if (method === "eth_blockNumber") return { result: hex(block) };
    if (method === "eth_getLogs") {
      const { toBlock, ...filter } = params[0] as { toBlock: string };
      const last = Number(toBlock) > block || Number.isNaN(Number(toBlock)) ? hex(block) : toBlock;
      return next({ method, params: [{ ...filter, toBlock: last }] });
    }
    const at = blockOf(request);
    if (at === "latest" || at === "pending") {
      return next({ method, params: params.map((each) => (each === at ? hex(block) : each)) });
    }
    if (at !== undefined && Number(at) > block) {
      return method === "eth_getBlockByNumber"
        ? { result: null }
        : { error: { code: -32_000, message: "header not found" } };
    }
    return next(request);
  };
}

/** The node has just begun to sync: it knows the genesis block, and no contract. */
export function syncing(): RpcFault {
  const stuck = stuckAt(0);
  return async (request, next) => {
    if (request.method === "eth_syncing") return { result: { currentBlock: "0x0", highestBlock: "0x1000" } };
    if (request.method === "eth_getCode" || request.method === "eth_call") return { result: "0x" };
    return stuck(request, next);
  };
}

/** The node has no pending block: it answers null for it, and refuses calls on it. */
export function withoutPending(): RpcFault {
  return async (request, next) => {
    if (blockOf(request) !== "pending") return next(request);
    if (request.method === "eth_getBlockByNumber") return { result: null };
    return { error: { code: -32_000, message: "pending state is not available" } };
  };
}

/** The node estimates gas on its newest block unless it is told another, as geth does; Hardhat takes the pending one. */
export function estimatesOnLatest(): RpcFault {
  return async ({ method, params }, next) => {
    const [transaction, at = "latest", ...more] = params;
    return next({ method, params: method === "eth_estimateGas" ? [transaction, at, ...more] : params });
  };
}

export interface RateLimit {
  /** The requests that are let through before the others are refused, each time after {@link limited}'s `reset`. */
  readonly allowed: number;
  /** As HTTP 429 with this `Retry-After`, in seconds; by default as the JSON-RPC error -32005. */
  readonly retryAfter?: number | undefined;
  readonly methods?: readonly string[];
}

/** The node allows so many requests, and refuses the others until `reset`. `refused` counts them. */
export function limited({ allowed, retryAfter, methods }: RateLimit) {
  let left = allowed;
  const state = {
    refused: 0,
    reset: (more = allowed) => {
      left = more;
    },
    fault: (async (request, next) => {
      if (methods !== undefined && !methods.includes(request.method)) return next(request);
      if (left > 0) {
        left -= 1;
        return next(request);
      }
      state.refused += 1;
      if (retryAfter === undefined)
        return { error: { code: -32_005, message: "daily request count exceeded, request rate limited" } };
      return { status: 429, headers: { "retry-after": `${retryAfter}` }, text: "too many requests" };
    }) satisfies RpcFault as RpcFault,
  };
  return state;
}

/** The node refuses ranges of more blocks, as public endpoints do. */
export function smallRanges(most: number): RpcFault {
  return async (request, next) => {
    if (request.method !== "eth_getLogs") return next(request);
    const { fromBlock, toBlock } = request.params[0] as { fromBlock: string; toBlock: string };
    if (Number(toBlock) - Number(fromBlock) < most) return next(request);
    return { error: { code: -32_005, message: "query returned more than 10000 results" } };
  };
}

/** Requests of a method are carried out, and their answers are lost on the way: `times` of them. */
export function dropAnswers(method: string, times: number): RpcFault {
  let left = times;
  return async (request, next) => {
    const reply = await next(request);
    if (request.method !== method || left === 0) return reply;
    left -= 1;
    return { drop: true };
  };
}

/** Logs are given twice. */
export function repeatLogs(): RpcFault {
  return changeLogs((logs) => logs.flatMap((log) => [log, log]));
}

/** Logs are given in the opposite order. */
export function reorderLogs(): RpcFault {
  return changeLogs((logs) => [...logs].reverse());
}

/** Answers with a matching log lose those logs: the first `times` answers that have one, all by default. */
export function omitLogs(isOmitted: (log: Log) => boolean, times = Number.POSITIVE_INFINITY): RpcFault {
  let left = times;
  return changeLogs((logs) => {
    if (left === 0 || !logs.some(isOmitted)) return logs;
    left -= 1;
    return logs.filter((log) => !isOmitted(log));
  });
}

/** Logs are said to be of blocks of another fork. */
export function forkLogs(times: number): RpcFault {
  let left = times;
  return changeLogs((logs) => {
    if (left === 0 || logs.length === 0) return logs;
    left -= 1;
    return logs.map((log) => ({ ...log, blockHash: `0x${"ab".repeat(32)}` }));
  });
}

/** One answer about a block's header has another hash: the address lies once. */
export function forkHeader(block: number, times = 1): RpcFault {
  let left = times;
  return async (request, next) => {
    const reply = await next(request);
    if (left === 0 || request.method !== "eth_getBlockByNumber" || Number(request.params[0]) !== block) return reply;
    if (!("result" in reply) || reply.result === null) return reply;
    left -= 1;
    return { result: { ...(reply.result as object), hash: `0x${"cd".repeat(32)}` } };
  };
}

/** The node keeps the state of its newest `kept` blocks alone. */
export function pruned(kept: number): RpcFault {
  return async (request, next) => {
    const { method } = request;
    const at = method === "eth_getBlockByNumber" ? undefined : blockOf(request);
    if (at === undefined || Number.isNaN(Number(at))) return next(request);
    const reply = await next({ method: "eth_blockNumber", params: [] });
    const head = "result" in reply ? Number(reply.result) : 0;
    if (Number(at) > head - kept) return next(request);
    return { error: { code: -32_000, message: `missing trie node 5ae2 (path ) state 0x5ae2 is not available` } };
  };
}

/** Receipts do not name their block yet, as between a block's arrival and its index: `times` of them. */
export function receiptsWithoutBlock(times: number): RpcFault {
  let left = times;
  return async (request, next) => {
    const reply = await next(request);
    if (left === 0 || request.method !== "eth_getTransactionReceipt") return reply;
    if (!("result" in reply) || reply.result === null) return reply;
    left -= 1;
    return { result: { ...(reply.result as object), blockNumber: null, blockHash: null } };
  };
}

function changeLogs(change: (logs: readonly Log[]) => readonly Log[]): RpcFault {
  return async (request, next) => {
    const reply: RpcReply = await next(request);
    if (request.method !== "eth_getLogs" || !("result" in reply)) return reply;
    return { result: change(reply.result as readonly Log[]) };
  };
}

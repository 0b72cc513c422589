import { keccak256 } from "ethers";
import { ChainError, type Eip1193Provider } from "../../src/ports/chain/index.js";

/** What a node's pool does with transactions, and what it tells of them. All off by default; change them at any moment. */
export interface MempoolFaults {
  /** Takes a transaction, answers with its hash, and forgets it. */
  forgets: boolean;
  /** Passes a transaction on, and its answer is lost. */
  losesAnswers: boolean;
  /** Refuses a transaction in these words. */
  refuses: string | undefined;
  /** Tells the nonce as of the newest block, also where the pool's is asked for. */
  hidesPending: boolean;
  /** Tells the pool's nonce so much too high, as a node does that counts what waits behind a gap. */
  countsAhead: number;
  /** Tells the pool's nonce so much too low, as a node does whose pool has not seen the newest blocks. */
  countsBehind: number;
  /** A field that its next receipts of mined transactions do not tell, but null, and how many. */
  receiptsLack: { readonly field: "status" | "logs"; readonly times: number } | undefined;
  /** What it answers for the newest block's `baseFeePerGas`, instead of its number. */
  base: null | undefined;
  /** Has no newest block, for so many requests. */
  latestIsNull: number;
  /** Has a receipt for what waits, which names no block; and no true one. */
  tellsNoBlock: boolean;
  /** Refuses to look transactions up by their hashes, as geth does while it indexes them. */
  isIndexing: boolean;
  /** Which receipts it has dropped, as nodes that prune do; it still has the transactions. */
  hasDropped: (hash: unknown) => boolean;
  /** What it says that a block's author asks above the base fee, in wei; undefined to pass the question on. */
  tip: bigint | undefined;
}

/** A node whose pool is at fault: see {@link MempoolFaults}. */
export interface FaultyMempool {
  readonly provider: Eip1193Provider;
  readonly faults: MempoolFaults;
  /** The signed transactions that arrived, in order. */
  readonly arrived: readonly string[];
}

/** Puts a pool that is at fault before a node. */
export function faultyMempool(node: Eip1193Provider): FaultyMempool {
  const arrived: string[] = [];
  const faults: MempoolFaults = {
    ...{ forgets: false, losesAnswers: false, refuses: undefined },
    ...{ hidesPending: false, tellsNoBlock: false, tip: undefined },
    ...{ countsBehind: 0, receiptsLack: undefined, base: undefined, latestIsNull: 0 },
    ...{ countsAhead: 0, isIndexing: false, hasDropped: () => false },
  };

  /** The faults of answers that lack what they should tell; undefined if none is on for this request. */
  async function lacking(method: string, params: unknown[]): Promise<{ answer: unknown } | undefined> {
    const read = async () => (await node.request({ method, params })) as Record<string, unknown> | null;
    if (method === "eth_getTransactionReceipt" && faults.receiptsLack !== undefined) {
      const receipt = await read();
      if (receipt === null) return { answer: null };
      const { field, times } = faults.receiptsLack;
      faults.receiptsLack = times > 1 ? { field, times: times - 1 } : undefined;
      return { answer: { ...receipt, [field]: null } };
    }
    if (method !== "eth_getBlockByNumber" || params[0] !== "latest") return undefined;
    if (faults.latestIsNull > 0) {
      faults.latestIsNull -= 1;
      return { answer: null };
    }
    return faults.base === undefined ? undefined : { answer: { ...(await read()), baseFeePerGas: faults.base } };
  }

  async function request({ method, params = [] }: Parameters<Eip1193Provider["request"]>[0]): Promise<unknown> {
    const [first, second] = params;
    const odd = await lacking(method, params);
    if (odd !== undefined) return odd.answer;
    if (method === "eth_sendRawTransaction") {
      arrived.push(String(first));
      if (faults.refuses !== undefined) throw new Error(faults.refuses);
      if (faults.forgets) return keccak256(String(first));
      const answer = await node.request({ method, params });
      if (faults.losesAnswers) throw new ChainError("rpc-timeout", "The answer was lost.");
      return answer;
    }
    if (method === "eth_getTransactionCount" && second === "pending" && faults.hidesPending) {
      return node.request({ method, params: [first, "latest"] });
    }
    if (method === "eth_getTransactionCount" && second === "pending" && faults.countsAhead !== faults.countsBehind) {
      const nonce = Number(await node.request({ method, params }));
      return `0x${(nonce + faults.countsAhead - faults.countsBehind).toString(16)}`;
    }
    if (faults.isIndexing && /^eth_getTransaction(ByHash|Receipt)$/.test(method)) {
      throw Object.assign(new Error("transaction indexing is in progress"), { code: -32_000 });
    }
    if (method === "eth_getTransactionReceipt" && faults.hasDropped(first)) return null;
    if (method === "eth_getTransactionReceipt" && faults.tellsNoBlock) {
      return { transactionHash: first, blockHash: null, blockNumber: null, status: "0x1", gasUsed: "0x0", logs: [] };
    }
    if (method === "eth_maxPriorityFeePerGas" && faults.tip !== undefined) return `0x${faults.tip.toString(16)}`;
    return node.request({ method, params });
  }

  return { provider: { request }, faults, arrived };
}

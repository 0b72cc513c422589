import type { Hex } from "../../../records/index.js";
import type { RawLog } from "../events/rawLog.js";
import type { FailoverProvider } from "../rpc/provider.js";

/** The receipt of a transaction that is in a block, as JSON-RPC gives it. */
export interface RawReceipt {
  readonly transactionHash: Hex;
  readonly status: Hex;
  readonly blockNumber: Hex;
  readonly gasUsed: Hex;
  readonly logs: readonly RawLog[];
}

/**
 * Undefined if no block holds the transaction. Some nodes have a receipt for what they have run and not put into a block yet:
 * it names no block, and may never be true.
 */
export async function readReceipt(rpc: Pick<FailoverProvider, "send">, hash: Hex): Promise<RawReceipt | undefined> {
  const receipt: (RawReceipt & { readonly blockNumber: Hex | null }) | null = await rpc.send(
    "eth_getTransactionReceipt",
    [hash],
  );
  return receipt?.blockNumber ? receipt : undefined;
}

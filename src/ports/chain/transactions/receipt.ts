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

const STATUS = /^0x[01]$/;

/**
 * Undefined if no block holds the transaction. Some nodes have a receipt for what they have run and not put into a block yet:
 * it names no block, and may never be true. Others have receipts that do not tell yet whether the transaction succeeded, or what it
 * wrote.
 */
export async function readReceipt(rpc: Pick<FailoverProvider, "send">, hash: Hex): Promise<RawReceipt | undefined> {
  const receipt: (RawReceipt & { readonly blockNumber: Hex | null }) | null = await rpc.send(
    "eth_getTransactionReceipt",
    [hash],
  );
  return receipt?.blockNumber && isComplete(receipt) ? receipt : undefined;
}

function isComplete({ gasUsed, logs, status }: Record<"gasUsed" | "logs" | "status", unknown>): boolean {
  return typeof status === "string" && STATUS.test(status) && typeof gasUsed === "string" && Array.isArray(logs);
}

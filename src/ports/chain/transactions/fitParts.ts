import { BaseError } from "../../../errors.js";
import { toChainError } from "../contracts/revert.js";
import type { FailoverProvider } from "../rpc/provider.js";

/** The gas limit of one transaction by EIP-7825. */
export const MAX_TRANSACTION_GAS = 16_777_216n;

/** The gas that one transaction may use on this chain: what a block holds, and no more than EIP-7825 allows. */
export async function transactionGasLimit(provider: FailoverProvider): Promise<bigint> {
  const { gasLimit } = await provider.send("eth_getBlockByNumber", ["latest", false]);
  const block = BigInt(gasLimit);
  return block < MAX_TRANSACTION_GAS ? block : MAX_TRANSACTION_GAS;
}

/**
 * Splits what several transactions are to carry: a part that needs more gas than one may use, or that the chain refuses, is
 * halved. No cost is assumed, since a fork may change it. A contract that runs out of gas may name any reason, so that every
 * refusal of many is taken for one; what is refused by itself is refused for good, before anything is sent.
 *
 * @param estimate The gas of one part, by `eth_estimateGas`.
 * @throws the refusal of a single item; ChainError if the chain cannot be asked.
 */
export async function fitParts<T>(
  items: readonly T[],
  limit: bigint,
  estimate: (part: readonly T[]) => Promise<bigint>,
): Promise<(readonly T[])[]> {
  if (await fits(items, limit, estimate)) return [items];
  const half = Math.ceil(items.length / 2);
  const first = await fitParts(items.slice(0, half), limit, estimate);
  return [...first, ...(await fitParts(items.slice(half), limit, estimate))];
}

async function fits<T>(
  items: readonly T[],
  limit: bigint,
  estimate: (part: readonly T[]) => Promise<bigint>,
): Promise<boolean> {
  try {
    return (await estimate(items)) <= limit || items.length <= 1;
  } catch (error) {
    const told = toChainError(error);
    const isAway = told instanceof BaseError && ["rpc-unreachable", "rpc-timeout"].includes(told.code);
    if (items.length <= 1 || isAway) throw told;
    return false;
  }
}

import { toQuantity } from "ethers";
import type { Hex } from "../../../records/index.js";
import type { Chain } from "../chain.js";
import { ChainError } from "../errors.js";

/** A block without its transactions. */
export interface BlockHeader {
  readonly number: number;
  readonly hash: Hex;
  /** Seconds since the Unix epoch. */
  readonly time: number;
}

interface RawBlockHeader {
  readonly number: Hex;
  readonly hash: Hex;
  readonly timestamp: Hex;
}

/** Errors of RPC nodes without support for the `finalized` tag, or without a finalized block; others answer null. */
const NO_SUCH_TAG = /finalized|block tag|invalid|not supported|unsupported|unknown block|hex string/i;

/** Confirmations that make a block final if the RPC node does not support `finalized`: two epochs of Ethereum. */
const DEPTH_WITHOUT_TAG = 64;

/** When a block is final: after this many confirmations, itself included, or by the chain's `finalized` tag. */
export type FinalityRule = number | "finalized";

/**
 * The block at a height or under a tag; undefined if it does not exist, or if the RPC node does not support the tag.
 *
 * @throws ChainError, also if the RPC node is busy: then it is unknown whether the block exists.
 */
export async function readHeader(
  { provider, read }: Pick<Chain, "provider" | "read">,
  at: number | "latest" | "finalized",
): Promise<BlockHeader | undefined> {
  try {
    const tag = typeof at === "number" ? toQuantity(at) : at;
    const raw = await read<RawBlockHeader | null>(() => provider.send("eth_getBlockByNumber", [tag, false]));
    return raw === null ? undefined : { number: Number(raw.number), hash: raw.hash, time: Number(raw.timestamp) };
  } catch (error) {
    if (at === "finalized" && error instanceof ChainError && error.kind === "rpc-error") {
      if (NO_SUCH_TAG.test(error.details ?? "")) return undefined;
    }
    throw error;
  }
}

/** The number of the newest final block; negative if no block is final yet. */
export function lastFinalBlock(
  rule: FinalityRule,
  { head, finalized }: { readonly head: number; readonly finalized: number | null },
): number {
  if (rule === "finalized" && finalized !== null) return Math.min(finalized, head);
  return head - (rule === "finalized" ? DEPTH_WITHOUT_TAG : Math.max(1, rule)) + 1;
}

/**
 * The newest final block; undefined if no block is final yet.
 *
 * @throws ChainError.
 */
export async function readFinalHeader(
  chain: Pick<Chain, "blockNumber" | "provider" | "read">,
  rule: FinalityRule,
): Promise<BlockHeader | undefined> {
  const finalized = rule === "finalized" ? await readHeader(chain, "finalized") : undefined;
  const head = await chain.blockNumber();
  const last = lastFinalBlock(rule, { head, finalized: finalized?.number ?? null });
  if (last < 0) return undefined;
  return finalized?.number === last ? finalized : readHeader(chain, last);
}

import { toQuantity } from "ethers";
import type { Hex } from "../../../records/index.js";
import type { Chain } from "../chain.js";
import { ChainError } from "../errors.js";

/** A block without what is in it. */
export interface BlockHeader {
  readonly number: number;
  readonly hash: Hex;
  /** Seconds since the Unix epoch. */
  readonly time: number;
}

interface RawHeader {
  readonly number: Hex;
  readonly hash: Hex;
  readonly timestamp: Hex;
}

/** What nodes that know no `finalized` tag, or have nothing final yet, answer where they do not answer null. */
const NO_SUCH_TAG = /finalized|block tag|invalid|not supported|unsupported|unknown block|hex string/i;

/** How many blocks make one final where a chain's node knows no `finalized` tag: two epochs of Ethereum's consensus. */
const DEPTH_WITHOUT_TAG = 64;

/** What is final: a number of blocks, a block's own included, or what the chain's `finalized` tag says. */
export type FinalityRule = number | "finalized";

/**
 * The block at a height or under a tag; undefined where there is none, or the node knows no such tag.
 *
 * @throws ChainError, also where the node is busy: that says nothing of what it knows.
 */
export async function readHeader(
  { provider, read }: Pick<Chain, "provider" | "read">,
  at: number | "latest" | "finalized",
): Promise<BlockHeader | undefined> {
  try {
    const tag = typeof at === "number" ? toQuantity(at) : at;
    const raw = await read<RawHeader | null>(() => provider.send("eth_getBlockByNumber", [tag, false]));
    return raw === null ? undefined : { number: Number(raw.number), hash: raw.hash, time: Number(raw.timestamp) };
  } catch (error) {
    if (at === "finalized" && error instanceof ChainError && error.kind === "rpc-error") {
      if (NO_SUCH_TAG.test(error.details ?? "")) return undefined;
    }
    throw error;
  }
}

/** The newest block that counts as final; negative where there is none yet. */
export function lastFinalBlock(
  rule: FinalityRule,
  { head, finalized }: { readonly head: number; readonly finalized: number | null },
): number {
  if (rule === "finalized" && finalized !== null) return Math.min(finalized, head);
  return head - (rule === "finalized" ? DEPTH_WITHOUT_TAG : Math.max(1, rule)) + 1;
}

/**
 * The newest block that counts as final; undefined where there is none yet.
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

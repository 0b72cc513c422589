import { toQuantity } from "ethers";
import type { Hex } from "../../../records/index.js";
import { ChainError } from "../errors.js";
import type { FailoverProvider } from "./provider.js";
import { quantityOf } from "./quantity.js";
import { isBeyondHead } from "./refusals.js";

/** Newest blocks that a fork commonly replaces. Deeper reorganisations happen, and are noticed by hashes alone. */
export const REORG_WINDOW_BLOCKS = 32;

/** The functions of a chain that read headers. */
export interface HeaderSource {
  readonly provider: Pick<FailoverProvider, "send" | "sendToAnother">;
  /** Converts errors, as a chain's `read` does. */
  read<T>(call: () => Promise<T>): Promise<T>;
}

/** A block without its transactions. */
export interface BlockHeader {
  readonly number: number;
  readonly hash: Hex;
  /** Seconds since the Unix epoch. */
  readonly time: number;
}

/** A block's header as JSON-RPC returns it. */
export interface RawBlockHeader {
  readonly number: Hex;
  readonly hash: Hex;
  readonly timestamp: Hex;
  /** Which logs the block may have; not every RPC node sends it. */
  readonly logsBloom?: Hex | null;
}

/** Errors of RPC nodes without support for the `finalized` tag, or without a finalized block; others answer null. */
const NO_SUCH_TAG = /finalized|block tag|invalid|not supported|unsupported|unknown block|hex string/i;

const NO_SUCH_BLOCK = /(block|header) (was )?not found|unknown (block|header)/i;

/** Confirmations that make a block final if the RPC node does not support `finalized`: two epochs of Ethereum. */
const DEPTH_WITHOUT_TAG = 64;

/** When a block is final: after this many confirmations, itself included, or by the chain's `finalized` tag. */
export type FinalityRule = number | "finalized";

/** As {@link readHeader}, without anything left out. */
export async function readRawHeader(
  { provider, read }: HeaderSource,
  at: number | "latest" | "finalized",
): Promise<RawBlockHeader | undefined> {
  try {
    const tag = typeof at === "number" ? toQuantity(at) : at;
    const raw = await read<RawBlockHeader | null>(() => provider.send("eth_getBlockByNumber", [tag, false]));
    return raw === null ? undefined : checked(raw, at);
  } catch (error) {
    // A node that knows no finalized block may say so as of a block that it does not have.
    const isRefusal =
      error instanceof ChainError && ["rpc-error", "rpc-state-missing", "rpc-behind"].includes(error.kind);
    if (at === "finalized" && isRefusal && NO_SUCH_TAG.test(error.details ?? "")) return undefined;
    // Most nodes answer null for a block that they do not have.
    if (isRefusal && [NO_SUCH_BLOCK.test(error.details ?? ""), isBeyondHead(error.details ?? "")].includes(true))
      return undefined;
    throw error;
  }
}

/**
 * The block at a height or under a tag; undefined if it does not exist, or if the RPC node does not support the tag.
 *
 * @throws ChainError, also if the RPC node is busy: then it is unknown whether the block exists.
 */
export async function readHeader(
  chain: HeaderSource,
  at: number | "latest" | "finalized",
): Promise<BlockHeader | undefined> {
  const raw = await readRawHeader(chain, at);
  return raw && headerOf(raw);
}

/**
 * Whether a block that was read before has left the chain: another block is at its height. Another endpoint is asked too, or the
 * same one again: on one answer alone nothing is taken back.
 *
 * @throws {@link ChainError} `rpc-behind` if the RPC node has no block at that height: it has not come so far, or not again;
 * `rpc-error` if the two answers contradict one another; `rpc-*`.
 */
export async function hasLeftChain(chain: HeaderSource, block: Pick<BlockHeader, "number" | "hash">): Promise<boolean> {
  const { number, hash } = block;
  const found = await readHeader(chain, number);
  if (found === undefined) throw behindError(number);
  if (found.hash === hash) return false;
  const params = [toQuantity(number), false];
  const other = await chain.provider.sendToAnother<RawBlockHeader | null>("eth_getBlockByNumber", params);
  const again = other ?? (await readRawHeader(chain, number));
  if (again === undefined) throw behindError(number);
  if (again.hash !== hash) return true;
  throw new ChainError("rpc-error", `The RPC gives block ${number} under two hashes.`);
}

/** @throws {@link ChainError} `rpc-error` if it is no header, or another block's than the one at the height that was asked for. */
function checked(raw: RawBlockHeader, at: number | "latest" | "finalized"): RawBlockHeader {
  const number = quantityOf(raw.number, "the number of a block");
  quantityOf(raw.timestamp, "the time of a block");
  if (typeof raw.hash === "string" && (typeof at !== "number" || at === number)) return raw;
  throw new ChainError("rpc-error", `The RPC node gives another block, or none, for the block ${at}.`);
}

/** The RPC node has no block at a height that was read before. */
export function behindError(number: number): ChainError {
  return new ChainError("rpc-behind", `The RPC node has no block ${number}, which was read before.`, {
    hints: ["It is syncing or has stopped: nothing is taken back until it has a block there."],
  });
}

export function headerOf({ number, hash, timestamp }: RawBlockHeader): BlockHeader {
  return { number: Number(number), hash, time: Number(timestamp) };
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
  chain: HeaderSource & { blockNumber(): Promise<number> },
  rule: FinalityRule,
): Promise<BlockHeader | undefined> {
  const finalized = rule === "finalized" ? await readHeader(chain, "finalized") : undefined;
  const head = await chain.blockNumber();
  const last = lastFinalBlock(rule, { head, finalized: finalized?.number ?? null });
  if (last < 0) return undefined;
  return finalized?.number === last ? finalized : readHeader(chain, last);
}

import { hexOfBlob } from "./blobs.js";
import type { Progress } from "./meta.js";
import type { ChainPlace } from "./query.js";

/** Where a node knows no `finalized` tag: two epochs of Ethereum. */
const DEPTH_WITHOUT_TAG = 64;

/** Blocks that must stand from a row's own on, or "finalized": what the chain says cannot be undone. */
export type ConfirmationRule = number | "finalized";

/** How firmly what was read stands. */
export interface Confirmations {
  /** The chain was read through this block. */
  readonly block: number;
  /** What stands in this block or below is confirmed. */
  readonly through: number;
}

/** Counts only blocks that were read, so that nothing is confirmed by a block of another chain. */
export function confirmationsOf({ block, finalized }: Progress, rule: ConfirmationRule): Confirmations {
  if (rule === "finalized" && finalized !== null) return { block, through: Math.min(finalized, block) };
  const depth = rule === "finalized" ? DEPTH_WITHOUT_TAG : Math.max(1, rule);
  return { block, through: block - depth + 1 };
}

export function placeOf(
  row: { readonly block: number; readonly blockHash: Uint8Array; readonly tx: Uint8Array; readonly time: number },
  { block, through }: Confirmations,
): ChainPlace {
  return {
    blockNumber: row.block,
    blockHash: hexOfBlob(row.blockHash),
    transactionHash: hexOfBlob(row.tx),
    time: row.time,
    confirmations: block - row.block + 1,
    confirmed: row.block <= through,
  };
}

import { type FinalityRule, lastFinalBlock } from "../../ports/chain/index.js";
import { hexOfBlob } from "../database/blobs.js";
import type { Progress } from "../database/meta.js";
import type { ChainPlace } from "../queries/query.js";

/** How far the chain was read, and how far it is confirmed. */
export interface Confirmations {
  /** The newest block that was read. */
  readonly block: number;
  /** Everything in this block and in earlier ones is confirmed. */
  readonly through: number;
}

/** Counts only blocks that were read, so that nothing is confirmed by a block of another chain. */
export function confirmationsOf({ block, finalized }: Progress, rule: FinalityRule): Confirmations {
  return { block, through: lastFinalBlock(rule, { head: block, finalized }) };
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

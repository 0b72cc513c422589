import type { AnchorEntry } from "./anchorIndex.js";
import type { ClientContext } from "./client.js";
import type { RecordAnchor } from "./records.js";

/** What the contract itself says of an anchor; undefined where it knows none, as after a reorganisation. */
export async function readAnchor(
  { chain }: Pick<ClientContext, "chain">,
  anchor: Pick<AnchorEntry, "author" | "root" | "transactionHash" | "blockNumber">,
): Promise<RecordAnchor | undefined> {
  const { author, root, transactionHash, blockNumber } = anchor;
  const { anchoredAt, sequence } = await chain.read(() => chain.contracts.knowledge.anchorOf(author, root));
  if (anchoredAt === 0n) return undefined;
  return { root, sequence: Number(sequence), anchoredAt: Number(anchoredAt), transactionHash, blockNumber };
}

import type { ContractTransactionResponse } from "ethers";
import { type BatchMessage, isRevert, type Receipt } from "../../ports/chain/index.js";
import type { Address, ContentId, Hex } from "../../records/index.js";
import type { ClientContext } from "../client.js";
import { sendTransaction } from "../transactions/sendTransaction.js";

/** An anchor as the chain has it. */
export interface AnchoredBatch {
  readonly root: Hex;
  readonly sequence: number;
  readonly manifest: ContentId;
  readonly transactionHash: Hex;
  readonly blockNumber: number;
  /** The receipt of the transaction that this call has sent; null if the same batch was anchored before. */
  readonly receipt: Receipt | null;
}

/** Sends an anchor unless the chain has it, also if another account sends it at the same moment. */
export async function anchorOnce(
  client: ClientContext,
  { author, root, manifest }: BatchMessage,
  transact: () => Promise<ContractTransactionResponse>,
  signal: AbortSignal | undefined,
): Promise<AnchoredBatch> {
  const known = await existingAnchor(client, author, root);
  if (known !== undefined) return known;
  try {
    const receipt = await sendTransaction(client, transact, signal);
    const event = receipt.logs.find((log) => log.name === "Anchored");
    return {
      root,
      sequence: Number(event?.args.sequence),
      manifest,
      transactionHash: receipt.hash,
      blockNumber: receipt.blockNumber,
      receipt,
    };
  } catch (error) {
    const exists = isRevert(error, "KnowledgeRegistryAnchorExists");
    const found = exists ? await existingAnchor(client, author, root) : undefined;
    if (found === undefined) throw error;
    return found;
  }
}

async function existingAnchor(
  { chain }: ClientContext,
  author: Address,
  root: Hex,
): Promise<AnchoredBatch | undefined> {
  const onChain = await chain.read(() => chain.contracts.knowledge.anchorOf(author, root));
  if (onChain.anchoredAt === 0n) return undefined;
  const [event] = await chain.events({ names: ["Anchored"], topics: [topicOf(author), root] });
  if (event === undefined) return undefined;
  return {
    root,
    sequence: Number(onChain.sequence),
    manifest: event.args.manifest as ContentId,
    transactionHash: event.transactionHash,
    blockNumber: event.blockNumber,
    receipt: null,
  };
}

function topicOf(account: Hex): Hex {
  return `0x${account.slice(2).toLowerCase().padStart(64, "0")}`;
}

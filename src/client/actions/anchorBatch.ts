import type { ContractTransactionResponse } from "ethers";
import { type BatchMessage, isRevert, type Receipt } from "../../ports/chain/index.js";
import type { Address, ContentId, Hex, SignedBatch } from "../../records/index.js";
import type { ClientContext } from "../client.js";
import { requireAccount } from "../requireAccount.js";

/** An anchor as the chain has it. */
export interface AnchoredBatch {
  readonly root: Hex;
  readonly sequence: number;
  readonly manifest: ContentId;
  readonly transactionHash: Hex;
  readonly blockNumber: number;
  /** What this call has sent; null where the same batch was already anchored. */
  readonly receipt: Receipt | null;
}

/**
 * Writes another node's batch on chain, in that node's name: it has signed it, and the caller pays. Anchoring the same
 * batch again changes nothing.
 *
 * @throws ContractRevertError `KnowledgeRegistryInvalidSignature` or `KnowledgeRegistryNotMember`; ChainError.
 * @example
 * const { sequence } = await client.anchorBatch(await other.signBatch({ records }));
 */
export async function anchorBatch(
  client: ClientContext,
  { author, root, count, manifest, signature }: SignedBatch,
): Promise<AnchoredBatch> {
  requireAccount(client);
  const batch = { author, root, count, manifest };
  const { knowledge } = client.chain.contracts;
  return anchorOnce(client, batch, () => knowledge.anchorBySig(batch, signature));
}

/** Sends an anchor unless the chain has it, also where somebody else brings it at the same moment. */
export async function anchorOnce(
  client: ClientContext,
  { author, root, manifest }: BatchMessage,
  transact: () => Promise<ContractTransactionResponse>,
): Promise<AnchoredBatch> {
  const known = await existingAnchor(client, author, root);
  if (known !== undefined) return known;
  try {
    const receipt = await client.chain.send(transact);
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

import { type Signer, TypedDataEncoder, verifyTypedData } from "ethers";
import type { Address, Hex, SignedBatch } from "../../../records/index.js";
import { sameHex } from "../../../utils/sameHex.js";

/** Where a batch is anchored: its author's signature means nothing to another chain or registry. */
export interface BatchContext {
  readonly chainId: number;
  /** The KnowledgeRegistry. */
  readonly registry: Address;
}

/** Records of one author under one root. */
export type BatchMessage = Omit<SignedBatch, "signature">;

const batchTypes = {
  Batch: [
    { name: "author", type: "address" },
    { name: "root", type: "bytes32" },
    { name: "count", type: "uint64" },
    { name: "manifest", type: "bytes32" },
  ],
};

/** The KnowledgeRegistry's own. */
export function domainOf({ chainId, registry }: BatchContext) {
  return { name: "KnowledgeRegistry", version: "1", chainId, verifyingContract: registry };
}

/** What the author of a batch signs, 32 bytes, as the registry's `batchDigest` gives it. */
export function hashBatch(context: BatchContext, { author, root, count, manifest }: BatchMessage): Hex {
  return TypedDataEncoder.hash(domainOf(context), batchTypes, { author, root, count, manifest }) as Hex;
}

/** Signs a batch with its author's key. Costs nothing; anybody can have it anchored. */
export async function signBatchMessage(signer: Signer, context: BatchContext, batch: BatchMessage): Promise<Hex> {
  const { author, root, count, manifest } = batch;
  return (await signer.signTypedData(domainOf(context), batchTypes, { author, root, count, manifest })) as Hex;
}

/** Whether the author of a batch has signed it, with a key of its own. */
export function isSignedByAuthor(context: BatchContext, batch: BatchMessage, signature: Hex): boolean {
  const { author, root, count, manifest } = batch;
  try {
    const signer = verifyTypedData(domainOf(context), batchTypes, { author, root, count, manifest }, signature);
    return sameHex(signer, author);
  } catch (error) {
    // ethers and noble each have their own way to say that these bytes are no signature.
    if (error instanceof Error) return false;
    throw error;
  }
}

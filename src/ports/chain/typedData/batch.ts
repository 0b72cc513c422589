import { type Signer, TypedDataEncoder, verifyTypedData } from "ethers";
import type { Address, Hex, SignedBatch } from "../../../records/index.js";
import { sameHex } from "../../../utils/sameHex.js";

/** The chain and registry that a batch is for; its author's signature is invalid for others. */
export interface BatchContext {
  readonly chainId: number;
  /** The KnowledgeRegistry. */
  readonly registry: Address;
}

/** A batch as its author signs it: records of one author under one root. */
export interface BatchMessage extends Omit<SignedBatch, "signature"> {
  /** The last second in which others may anchor it for its author; 0, never, by default. */
  readonly deadline?: number | undefined;
}

const batchTypes = {
  Batch: [
    { name: "author", type: "address" },
    { name: "root", type: "bytes32" },
    { name: "count", type: "uint64" },
    { name: "manifest", type: "bytes32" },
    { name: "deadline", type: "uint48" },
  ],
};

/** The EIP-712 domain of a KnowledgeRegistry. */
export function domainOf({ chainId, registry }: BatchContext) {
  return { name: "KnowledgeRegistry", version: "1", chainId, verifyingContract: registry };
}

/** The digest that the author of a batch signs, 32 bytes, as the registry's `batchDigest`. */
export function hashBatch(context: BatchContext, batch: BatchMessage): Hex {
  return TypedDataEncoder.hash(domainOf(context), batchTypes, saidOf(batch)) as Hex;
}

/** Signs a batch with its author's key. Costs no gas; any account can anchor it until its deadline. */
export async function signBatchMessage(signer: Signer, context: BatchContext, batch: BatchMessage): Promise<Hex> {
  return (await signer.signTypedData(domainOf(context), batchTypes, saidOf(batch))) as Hex;
}

/** Whether `signature` over the batch is by its author's own account; false if it is malformed. */
export function isSignedByAuthor(context: BatchContext, batch: BatchMessage, signature: Hex): boolean {
  try {
    return sameHex(verifyTypedData(domainOf(context), batchTypes, saidOf(batch), signature), batch.author);
  } catch (error) {
    // ethers and noble throw different errors for malformed signatures.
    if (error instanceof Error) return false;
    throw error;
  }
}

function saidOf({ author, root, count, manifest, deadline = 0 }: BatchMessage) {
  return { author, root, count, manifest, deadline };
}

import type { JointMessage, Receipt } from "../../ports/chain/index.js";
import type { ClientContext } from "../client.js";
import { aggregateSignatures, type NodeSignature } from "../transactions/aggregateSignatures.js";
import { requireAccount } from "../transactions/requireAccount.js";
import { sendTransaction } from "../transactions/sendTransaction.js";

export interface AnchorJointlyParameters extends JointMessage {
  /** One signature of each author, over the registry's `jointDigest`. A batch whose author has not signed is not anchored. */
  readonly signatures: readonly NodeSignature[];
  readonly signal?: AbortSignal | undefined;
}

/**
 * Writes one root over the batches of many nodes on chain, in the name of all nodes that signed it, by one transaction. Further
 * nodes can join the same anchor until its deadline; those that are in it are skipped. Verify the signatures first: they are
 * added up, and one wrong signature makes the sum invalid.
 *
 * @throws ContractRevertError, such as `KnowledgeRegistryNothingNew`, `KnowledgeRegistryPastEpoch`,
 * `KnowledgeRegistryLapsed` or `NodeRegistryInvalidSignature`; InvalidInputError; KeyError; ChainError.
 * @example
 * const { hash } = await client.anchorJointly({ ...joint, signatures });
 */
export async function anchorJointly(client: ClientContext, parameters: AnchorJointlyParameters): Promise<Receipt> {
  requireAccount(client);
  const { batches, deadline, epoch, manifest, root, signal, signatures } = parameters;
  const { bits, signature } = await aggregateSignatures(signatures);
  const { knowledge } = client.chain.contracts;
  return sendTransaction(
    client,
    () => knowledge.anchorJointly({ epoch, root, batches, manifest, deadline }, bits, signature),
    signal,
  );
}

import type { JointMessage, Receipt } from "../../ports/chain/index.js";
import { aggregateSignatures, type NodeSignature } from "../aggregateSignatures.js";
import type { ClientContext } from "../client.js";
import { requireAccount } from "../requireAccount.js";

export interface AnchorJointlyParameters extends JointMessage {
  /** Of the authors, over the registry's `jointDigest`, one a node. A batch whose author has not signed is not anchored. */
  readonly signatures: readonly NodeSignature[];
}

/**
 * Writes one root over the batches of many nodes on chain, in the name of all who signed it: one transaction, however many
 * they are. The signatures are added up first; they must have been verified, since one bad one spoils the sum.
 *
 * @throws ContractRevertError, such as `KnowledgeRegistryJointAnchorExists`, `KnowledgeRegistryPastEpoch`,
 * `KnowledgeRegistryLapsed` or `NodeRegistryInvalidSignature`; InvalidInputError; KeyError; ChainError.
 */
export async function anchorJointly(client: ClientContext, parameters: AnchorJointlyParameters): Promise<Receipt> {
  requireAccount(client);
  const { batches, deadline, epoch, manifest, root, signatures } = parameters;
  const { bits, signature } = await aggregateSignatures(signatures);
  const { knowledge } = client.chain.contracts;
  return client.chain.send(() => knowledge.anchorJointly(epoch, root, batches, manifest, deadline, bits, signature));
}

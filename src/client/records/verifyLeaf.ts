import { hashJoint, jointMessageOf } from "../../ports/chain/index.js";
import {
  type Address,
  type ContentId,
  type Hex,
  leafOf,
  type RecordKind,
  RecordKinds,
  verifyProof,
} from "../../records/index.js";
import type { JointPlace } from "../anchors/anchor.js";
import type { ClientContext } from "../client.js";
import { InvalidProofError, NotAnchoredError } from "../errors.js";

export interface LeafParameters {
  readonly kind: RecordKind;
  readonly contentId: ContentId;
  readonly author: Address;
  readonly root: Hex;
  readonly proof: readonly Hex[];
  /** The joint anchor that the root is under; null or absent if it was anchored alone. */
  readonly joint?: JointPlace | null | undefined;
}

export interface VerifiedLeaf {
  readonly leaf: Hex;
  /** The author's anchors up to this one; null for a joint anchor. */
  readonly sequence: number | null;
  /** Seconds since the Unix epoch, by the chain. */
  readonly anchoredAt: number;
}

/**
 * Checks here, and by the contract, that `author` anchored this record under `root`. Needs no content.
 *
 * @throws {@link NotAnchoredError} if `author` never anchored `root`; {@link InvalidProofError}; ChainError.
 */
export async function verifyLeaf(
  { chain }: Pick<ClientContext, "chain">,
  { kind, contentId, author, root, proof, joint }: LeafParameters,
): Promise<VerifiedLeaf> {
  const { knowledge } = chain.contracts;
  const leaf = leafOf(author, kind, contentId);
  if (!verifyProof(root, leaf, proof)) throw new InvalidProofError(contentId, root);
  if (joint) {
    const said = jointMessageOf(joint);
    const id = hashJoint({ chainId: chain.chainId, registry: chain.addresses.KnowledgeRegistry }, said);
    const anchoredAt = await chain.read(() => knowledge.jointlyAnchoredAt(id));
    if (anchoredAt === 0n) throw new NotAnchoredError(contentId);
    const { count, manifest } = joint.batch;
    const batch = { author, root, count, manifest, deadline: 0 };
    const index = RecordKinds.indexOf(kind);
    const isUnder = await chain.read(() =>
      knowledge.verifyJointly(said, batch, [...joint.path], index, contentId, [...proof]),
    );
    if (!isUnder) throw new InvalidProofError(contentId, joint.root);
    return { leaf, sequence: null, anchoredAt: Number(anchoredAt) };
  }
  const { anchoredAt, sequence } = await chain.read(() => knowledge.anchorOf(author, root));
  if (anchoredAt === 0n) throw new NotAnchoredError(contentId);
  const holds = await chain.read(() =>
    knowledge.verify(author, root, RecordKinds.indexOf(kind), contentId, [...proof]),
  );
  if (!holds) throw new InvalidProofError(contentId, root);
  return { leaf, sequence: Number(sequence), anchoredAt: Number(anchoredAt) };
}

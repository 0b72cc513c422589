import {
  type Address,
  type ContentId,
  type Hex,
  leafOf,
  type RecordKind,
  RecordKinds,
  verifyProof,
} from "../../records/index.js";
import type { JointPlace } from "../anchors/jointAnchors.js";
import type { ClientContext } from "../client.js";
import { InvalidProofError, NotAnchoredError } from "../errors.js";

export interface VerifyRecordParameters {
  readonly kind: RecordKind;
  readonly contentId: ContentId;
  readonly author: Address;
  readonly root: Hex;
  readonly proof: readonly Hex[];
  /** Where the root is under one over many nodes' batches. */
  readonly joint?: Pick<JointPlace, "root" | "path" | "batch"> | null | undefined;
}

export interface VerifyRecordReturnType {
  readonly leaf: Hex;
  /** Null where it was anchored together with others'. */
  readonly sequence: number | null;
  /** Seconds since the Unix epoch, by the chain. */
  readonly anchoredAt: number;
}

/**
 * Checks a proof that somebody handed over, here and by the contract: that `author` anchored this record under `root`.
 * Needs no content.
 *
 * @throws {@link NotAnchoredError} where `author` never anchored `root`; {@link InvalidProofError}; ChainError.
 */
export async function verifyRecord(
  { chain }: Pick<ClientContext, "chain">,
  { kind, contentId, author, root, proof, joint }: VerifyRecordParameters,
): Promise<VerifyRecordReturnType> {
  const { knowledge } = chain.contracts;
  const leaf = leafOf(author, kind, contentId);
  if (!verifyProof(root, leaf, proof)) throw new InvalidProofError(contentId, root);
  if (joint) {
    const { anchoredAt } = await chain.read(() => knowledge.jointAnchorOf(joint.root));
    if (anchoredAt === 0n) throw new NotAnchoredError(contentId);
    const { count, manifest } = joint.batch;
    const batch = { author, root, count, manifest };
    const index = RecordKinds.indexOf(kind);
    const isUnder = await chain.read(() =>
      knowledge.verifyJointly(joint.root, batch, [...joint.path], index, contentId, [...proof]),
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

import {
  type Address,
  type ContentId,
  type Hex,
  leafOf,
  type RecordKind,
  RecordKinds,
  verifyProof,
} from "../../records/index.js";
import type { ClientContext } from "../client.js";
import { InvalidProofError, NotAnchoredError } from "../errors.js";

export interface VerifyRecordParameters {
  readonly kind: RecordKind;
  readonly contentId: ContentId;
  readonly author: Address;
  readonly root: Hex;
  readonly proof: readonly Hex[];
}

export interface VerifyRecordReturnType {
  readonly leaf: Hex;
  readonly sequence: number;
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
  { kind, contentId, author, root, proof }: VerifyRecordParameters,
): Promise<VerifyRecordReturnType> {
  const leaf = leafOf(author, kind, contentId);
  if (!verifyProof(root, leaf, proof)) throw new InvalidProofError(contentId, root);
  const { anchoredAt, sequence } = await chain.read(() => chain.contracts.knowledge.anchorOf(author, root));
  if (anchoredAt === 0n) throw new NotAnchoredError(contentId);
  const holds = await chain.read(() =>
    chain.contracts.knowledge.verify(author, root, RecordKinds.indexOf(kind), contentId, [...proof]),
  );
  if (!holds) throw new InvalidProofError(contentId, root);
  return { leaf, sequence: Number(sequence), anchoredAt: Number(anchoredAt) };
}

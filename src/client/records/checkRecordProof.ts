import {
  type AnchorTransaction,
  batchLeaf,
  isSignedByAuthor,
  readAnchorTransaction,
  readJointTransaction,
} from "../../ports/chain/index.js";
import {
  type Address,
  type ContentId,
  contentIdToCid,
  type Hex,
  provenRecord,
  type RecordKind,
  type RecordProof,
  type RecordValue,
  verifyPosition,
} from "../../records/index.js";
import { sameHex } from "../../utils/sameHex.js";
import { InvalidProofError } from "../errors.js";

/** What a proof shows without a chain: `author` signed a batch that holds the record, to be anchored in `registry`. */
export interface ProvenRecord {
  readonly kind: RecordKind;
  readonly contentId: ContentId;
  readonly cid: string;
  readonly value: RecordValue;
  readonly author: Address;
  readonly root: Hex;
  readonly chainId: number;
  readonly registry: Address;
  readonly transactionHash: Hex;
  /** The block that the transaction is in, as the proof claims: only a chain can confirm it. */
  readonly block: RecordProof["anchor"]["block"];
  /**
   * The root of the joint anchor; null if the batch was anchored alone. Only a chain can confirm that the author signed the
   * joint anchor too.
   */
  readonly joint: Hex | null;
}

/**
 * Checks a proof of {@link proveRecord} without chain, content or network: the bytes are the record, its leaf is under
 * the root, and the transaction that anchors this root in this registry is signed by the author. The reader must
 * compare whether it trusts the registry, and whether the block is on its chain.
 *
 * @throws {@link InvalidProofError}; InvalidInputError if it is not a proof, or its transaction not an anchor;
 * InvalidRecordError.
 */
export function checkRecordProof(proof: RecordProof): ProvenRecord {
  const { kind, contentId, author, root, anchor } = proof;
  const value = provenRecord(proof);
  const shown = proof.joint === undefined ? signedByAuthor(proof) : signedInBatch(proof, proof.joint);
  const holds =
    value !== undefined &&
    shown !== undefined &&
    shown.chainId === anchor.chainId &&
    sameHex(shown.registry, anchor.registry);
  if (!holds) throw new InvalidProofError(contentId, root);
  return {
    kind,
    contentId,
    cid: contentIdToCid(contentId),
    value,
    author,
    root,
    chainId: shown.chainId,
    registry: shown.registry,
    transactionHash: shown.hash,
    block: anchor.block,
    joint: proof.joint?.root ?? null,
  };
}

type ShownTransaction = Pick<AnchorTransaction, "chainId" | "registry" | "hash">;

/** The transaction that anchors the batch in its author's name; undefined if it anchors another. */
function signedByAuthor({ anchor, author, root }: RecordProof): ShownTransaction | undefined {
  const shown = readAnchorTransaction(anchor.transaction);
  return sameHex(shown.author, author) && shown.root === root ? shown : undefined;
}

/**
 * The transaction that anchors a root over the batch, which its author has signed; undefined if it anchors another, or
 * the batch is not under it.
 */
function signedInBatch(
  { anchor, author, root }: RecordProof,
  joint: NonNullable<RecordProof["joint"]>,
): ShownTransaction | undefined {
  const shown = readJointTransaction(anchor.transaction);
  const { count, index, manifest, path, signature } = joint;
  const context = { chainId: shown.chainId, registry: shown.registry };
  const batch = { author, root, count, manifest };
  const holds =
    shown.root === joint.root &&
    verifyPosition(joint.root, index, batchLeaf(context, batch), path) &&
    isSignedByAuthor(context, batch, signature);
  return holds ? shown : undefined;
}

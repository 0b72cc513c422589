import { z } from "zod";
import { InvalidInputError } from "../../errors.js";
import { sameHex } from "../../utils/sameHex.js";
import { decodeRecord, type RecordValue } from "../codec.js";
import { contentIdOf } from "../contentId.js";
import { MAX_POSITION_DEPTH, MAX_PROOF_LENGTH, MAX_RECORD_BYTES } from "../schemas/bounds.js";
import { address, contentId, count, hash, positive, signature, uint32 } from "../schemas/scalars.js";
import { type Address, type ContentId, type Hex, type RecordKind, RecordKinds } from "../types.js";
import { leafOf, verifyProof } from "./merkle.js";

/** Characters of a transaction in hexadecimal: as many as an anchor needs. */
const MAX_TRANSACTION_DIGITS = 8_192;

/** A file that proves who wrote a record, and in which block it was anchored. */
export interface RecordProof {
  readonly schema: "witan/proof/1";
  readonly kind: RecordKind;
  readonly contentId: ContentId;
  /** The record's block, in base64. */
  readonly bytes: string;
  readonly author: Address;
  /** The Merkle root of the batch. */
  readonly root: Hex;
  /** The siblings from the record's leaf up to the root. */
  readonly path: readonly Hex[];
  /** The batch's position under a joint root, if the transaction anchored that instead of the batch's own root. */
  readonly joint?:
    | {
        readonly root: Hex;
        /** The author's index in the registry: the batch's position. */
        readonly index: number;
        /** The siblings from the batch up to the topmost node. */
        readonly path: readonly Hex[];
        /** Records in the batch. */
        readonly count: number;
        /** The block that lists them: the batch's manifest. */
        readonly manifest: ContentId;
        /** The author's signature over the batch. */
        readonly signature: Hex;
      }
    | undefined;
  readonly anchor: {
    readonly chainId: number;
    /** The KnowledgeRegistry. */
    readonly registry: Address;
    /** The signed transaction that anchored the root, as it went to the chain. */
    readonly transaction: Hex;
    readonly block: {
      readonly number: number;
      readonly hash: Hex;
      /** Seconds since the Unix epoch. */
      readonly timestamp: number;
    };
  };
}

const base64 = z
  .string()
  .max(Math.ceil(MAX_RECORD_BYTES / 3) * 4)
  .refine((text) => Buffer.from(text, "base64").toString("base64") === text, "must be base64");

const proofSchema = z.strictObject({
  schema: z.literal("witan/proof/1"),
  kind: z.enum(RecordKinds),
  contentId,
  bytes: base64,
  author: address,
  root: hash,
  path: z.array(hash).max(MAX_PROOF_LENGTH),
  joint: z
    .strictObject({
      root: hash,
      index: uint32,
      path: z.array(hash).max(MAX_POSITION_DEPTH),
      count: positive,
      manifest: contentId,
      signature,
    })
    .optional(),
  anchor: z.strictObject({
    chainId: positive,
    registry: address,
    transaction: z.custom<Hex>(
      (value) =>
        typeof value === "string" && value.length <= MAX_TRANSACTION_DIGITS && /^0x([0-9a-f]{2})+$/.test(value),
      "must be a transaction in lower-case hexadecimal digits",
    ),
    block: z.strictObject({ number: count, hash, timestamp: count }),
  }),
}) satisfies z.ZodType<RecordProof>;

/** @throws {InvalidInputError} if the value is not such a file; it names the first problem. */
export function parseRecordProof(value: unknown): RecordProof {
  const result = proofSchema.safeParse(value);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  throw new InvalidInputError(`This is not a proof of a record: ${issue?.path.join(".") || "it"} ${issue?.message}.`, {
    cause: result.error,
  });
}

/**
 * The record of a proof, if its bytes have the hash that the proof names and its leaf is under the batch's root; undefined
 * otherwise. Does not check who anchored the root.
 *
 * @throws {InvalidRecordError} if the bytes are not a valid record of that kind.
 */
export function provenRecord(proof: RecordProof): RecordValue | undefined {
  const bytes = new Uint8Array(Buffer.from(proof.bytes, "base64"));
  if (contentIdOf(bytes) !== proof.contentId) return undefined;
  const value = decodeRecord(proof.kind, bytes);
  // A State must be anchored by the node that it describes.
  if ("node" in value && !sameHex(value.node, proof.author)) return undefined;
  const leaf = leafOf(proof.author, proof.kind, proof.contentId);
  return verifyProof(proof.root, leaf, proof.path) ? value : undefined;
}

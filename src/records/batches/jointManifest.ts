import { z } from "zod";
import { MAX_JOINT_BATCHES } from "../schemas/bounds.js";
import { address, contentId, distinct, hash, positive, signature, uint32 } from "../schemas/scalars.js";
import type { Address, ContentId, Hex } from "../types.js";

/**
 * A batch that its author has signed with the deadline 0: it proves who wrote the records, counts under a joint anchor, and
 * nobody may anchor it alone in its author's name.
 */
export interface SignedBatch {
  readonly author: Address;
  readonly root: Hex;
  /** Records in the batch. */
  readonly count: number;
  /** The block that lists them. */
  readonly manifest: ContentId;
  /** The author's, over the registry's `batchDigest`: 65 bytes. */
  readonly signature: Hex;
}

/** A batch that others may anchor for its author until its deadline, in seconds since the Unix epoch. */
export interface DelegatedBatch extends SignedBatch {
  readonly deadline: number;
}

/** A batch under a joint root, at the position of its author's index in the registry. */
export interface JointBatch extends SignedBatch {
  readonly index: number;
}

/** The block that a joint anchor cites: the batches under its root, one an author, in the order of their indices. */
export interface JointManifest {
  readonly schema: "witan/batches/1";
  readonly batches: readonly JointBatch[];
}

export const jointManifestSchema = z.strictObject({
  schema: z.literal("witan/batches/1"),
  batches: z
    .array(
      z.strictObject({
        index: uint32,
        author: address,
        root: hash,
        count: positive,
        manifest: contentId,
        signature,
      }),
    )
    .min(1)
    .max(MAX_JOINT_BATCHES)
    .refine(
      (batches) => batches.every(({ index }, place) => index > (batches[place - 1]?.index ?? -1)),
      "must be in the order of their indices",
    )
    .refine((batches) => distinct(batches, ({ author }) => author.toLowerCase()), "must have one batch of each author"),
}) satisfies z.ZodType<JointManifest>;

import { z } from "zod";
import { MAX_JOINT_BATCHES } from "../schemas/bounds.js";
import { address, contentId, distinct, hash, positive, signature } from "../schemas/scalars.js";
import type { Address, ContentId, Hex } from "../types.js";

/** A batch signed by its author: it proves who wrote the records, and anybody may anchor it. */
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

/** The block that a joint anchor cites: the batches under its root, one an author. */
export interface JointManifest {
  readonly schema: "witan/batches/1";
  readonly batches: readonly SignedBatch[];
}

export const jointManifestSchema = z.strictObject({
  schema: z.literal("witan/batches/1"),
  batches: z
    .array(
      z.strictObject({
        author: address,
        root: hash,
        count: positive,
        manifest: contentId,
        signature,
      }),
    )
    .min(1)
    .max(MAX_JOINT_BATCHES)
    .refine((batches) => distinct(batches, ({ author }) => author.toLowerCase()), "must have one batch of each author"),
}) satisfies z.ZodType<JointManifest>;

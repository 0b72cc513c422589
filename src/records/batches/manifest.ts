import { z } from "zod";
import { MAX_BATCH_LEAVES } from "../schemas/bounds.js";
import { address, contentId, distinct } from "../schemas/scalars.js";
import { type Address, type ContentId, type RecordKind, RecordKinds } from "../types.js";

/** One record under an anchor. */
export interface BatchLeaf {
  readonly kind: RecordKind;
  readonly contentId: ContentId;
}

/** The block that an anchor cites: the records under its root, so that a reader can build every proof. */
export interface BatchManifest {
  readonly schema: "witan/batch/1";
  readonly author: Address;
  readonly leaves: readonly BatchLeaf[];
}

export const manifestSchema = z.strictObject({
  schema: z.literal("witan/batch/1"),
  author: address,
  leaves: z
    .array(z.strictObject({ kind: z.enum(RecordKinds), contentId }))
    .min(1)
    .max(MAX_BATCH_LEAVES)
    .refine(
      (leaves) => distinct(leaves, ({ kind, contentId }) => `${kind}:${contentId}`),
      "must name each record once",
    ),
}) satisfies z.ZodType<BatchManifest>;

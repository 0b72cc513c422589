import { z } from "zod";
import { address, hash, RecordBounds } from "./fields.js";
import { RecordKinds } from "./types.js";

/** What one anchor covers: the leaves of its tree, in order. */
export const manifestSchema = z.strictObject({
  schema: z.literal("witan/batch/1"),
  author: address,
  leaves: z
    .array(z.strictObject({ kind: z.enum(RecordKinds), contentId: hash }))
    .min(1)
    .max(RecordBounds.maxBatchLeaves),
});

export type BatchManifest = z.output<typeof manifestSchema>;

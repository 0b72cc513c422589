import { z } from "zod";
import type { ContentId, Hex } from "../types.js";
import { MAX_LINKS, MAX_NODES } from "./bounds.js";
import { contentId, hash, label, text } from "./scalars.js";

export const OutcomeResults = ["done", "failed"] as const;
export const DetailResults = ["done", "failed", "skipped"] as const;

/**
 * The result of a directive: what every node that attests it can see. How long the leader took, and what it logged, is no part
 * of it.
 */
export interface Outcome {
  readonly schema: "witan/outcome/1";
  /** The directive's id. */
  readonly directive: Hex;
  readonly result: (typeof OutcomeResults)[number];
  readonly detail: readonly OutcomeDetail[];
  /** The records that it produced, such as the Model of a round. */
  readonly produced: readonly ContentId[];
}

/** The result for one subject, such as `replica/web/3`. */
export interface OutcomeDetail {
  readonly subject: string;
  readonly result: (typeof DetailResults)[number];
  readonly note: string;
}

export const outcomeSchema = z.strictObject({
  schema: z.literal("witan/outcome/1"),
  directive: hash,
  result: z.enum(OutcomeResults),
  detail: z.array(z.strictObject({ subject: label, result: z.enum(DetailResults), note: text })).max(MAX_NODES),
  produced: z.array(contentId).max(MAX_LINKS),
}) satisfies z.ZodType<Outcome>;

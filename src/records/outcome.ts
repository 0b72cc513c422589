import { z } from "zod";
import { cid, count, hash, list, name, sentence } from "./fields.js";

/** How a directive ended, part by part. */
export const outcomeSchema = z.strictObject({
  schema: z.literal("witan/outcome/1"),
  directive: hash,
  result: z.enum(["done", "failed"]),
  detail: list(z.strictObject({ subject: name, result: z.enum(["done", "failed", "skipped"]), note: sentence })),
  /** A block with the logs, where there are any. */
  logs: cid.nullable(),
  durationMs: count,
  /** Records that carrying it out has made, such as models. */
  produced: list(hash, 64),
});

export type Outcome = z.output<typeof outcomeSchema>;

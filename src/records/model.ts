import { z } from "zod";
import { address, cid, count, finite, hash, list, name, share } from "./fields.js";

/** A federated model: where its weights are, what it grew from, who trained it and how well it does. */
export const modelSchema = z.strictObject({
  schema: z.literal("witan/model/1"),
  name,
  version: count,
  round: count,
  parents: list(hash, 16),
  weights: z.strictObject({ cid, bytes: count, sha256: hash, format: z.literal("safetensors") }),
  shapes: z.record(name, list(count, 8)),
  samples: count,
  contributors: list(z.strictObject({ node: address, samples: count, update: cid })),
  aggregation: z.strictObject({ rule: z.enum(["fedavg"]) }),
  privacy: z.strictObject({ epsilon: z.number().min(0), delta: share }).nullable(),
  evaluation: z.strictObject({ dataset: name, samples: count, accuracy: share, loss: finite }).nullable(),
});

export type Model = z.output<typeof modelSchema>;

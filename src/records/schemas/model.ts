import { z } from "zod";
import type { Address, ContentId, Hex } from "../types.js";
import { MAX_LINKS, MAX_NODES, MAX_RANK, MAX_TENSORS } from "./bounds.js";
import { address, cid, contentId, count, distinct, hash, label, name, positive, share } from "./scalars.js";

/** A federated model: its weights, its parents, its contributors and its evaluation. */
export interface Model {
  readonly schema: "witan/model/1";
  readonly name: string;
  readonly version: number;
  readonly round: number;
  /** The Model records it was trained from, each once. */
  readonly parents: readonly ContentId[];
  readonly weights: Weights;
  /** Tensor name to its dimensions. */
  readonly shapes: Readonly<Record<string, readonly number[]>>;
  /** Training examples, over all contributors. */
  readonly samples: number;
  readonly contributors: readonly Contributor[];
  readonly aggregation: { readonly rule: "fedavg" };
  /** The privacy budget spent; null if the model was trained without differential privacy. */
  readonly privacy: { readonly epsilon: number; readonly delta: number } | null;
  readonly evaluation: Evaluation | null;
}

/** A file of weights. The CID of a file over one chunk is not its sha256: both are kept. */
export interface Weights {
  readonly cid: string;
  readonly bytes: number;
  readonly sha256: Hex;
  readonly format: "safetensors";
}

/** One node's update in a round. */
export interface Contributor {
  readonly node: Address;
  readonly samples: number;
  /** The CID of the file of weights that the node sent. */
  readonly update: string;
}

/** Measured on data that no contributor trained on. */
export interface Evaluation {
  readonly dataset: string;
  readonly samples: number;
  readonly accuracy: number;
  readonly loss: number;
}

export const modelSchema = z.strictObject({
  schema: z.literal("witan/model/1"),
  name,
  version: count,
  round: count,
  parents: z
    .array(contentId)
    .max(MAX_LINKS)
    .refine((ids) => distinct(ids), "must name each parent once"),
  weights: z.strictObject({ cid, bytes: positive, sha256: hash, format: z.literal("safetensors") }),
  shapes: z
    .record(label, z.array(count).max(MAX_RANK))
    .refine((shapes) => Object.keys(shapes).length <= MAX_TENSORS, `must hold at most ${MAX_TENSORS} tensors`),
  samples: count,
  contributors: z
    .array(z.strictObject({ node: address, samples: count, update: cid }))
    .max(MAX_NODES)
    .refine((nodes) => distinct(nodes, ({ node }) => node), "must name each node once"),
  aggregation: z.strictObject({ rule: z.literal("fedavg") }),
  privacy: z.strictObject({ epsilon: z.number().min(0), delta: share }).nullable(),
  evaluation: z.strictObject({ dataset: label, samples: positive, accuracy: share, loss: z.number() }).nullable(),
}) satisfies z.ZodType<Model>;

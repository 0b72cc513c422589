import { z } from "zod";
import { type Release, releaseSchema } from "./payload.js";
import { count, distinct, label, name } from "./scalars.js";

/** A release of a workload as a JSON document, for people and for programs in other languages. */
export interface ReleaseManifest {
  readonly schema: "witan/release/1";
  /** The workload that the release is for, such as `web`. */
  readonly workload: string;
  readonly release: Release;
}

/** A learning task as a JSON document: what a program must know to read the task's models. */
export interface TaskManifest {
  readonly schema: "witan/task/1";
  readonly name: string;
  /** The float32 tensors of a model's safetensors file, row-major. */
  readonly tensors: readonly { readonly name: string; readonly shape: readonly number[] }[];
  /** A participant's update is refused if its weights are further than this (L2 norm) from those that the round started from. */
  readonly maxDistance: number;
  /** A participant that claims to have trained on more samples is refused. */
  readonly maxSamples: number;
}

export type PublishedManifest = ReleaseManifest | TaskManifest;

/** Far above the tensors of any task that runs here, and the dimensions of any tensor. */
const MAX_TENSORS = 1_024;
const MAX_DIMENSIONS = 8;

const releaseManifest = z.strictObject({
  schema: z.literal("witan/release/1"),
  workload: label,
  release: releaseSchema,
}) satisfies z.ZodType<ReleaseManifest>;

const taskManifest = z.strictObject({
  schema: z.literal("witan/task/1"),
  name,
  tensors: z
    .array(z.strictObject({ name: label, shape: z.array(count).max(MAX_DIMENSIONS) }))
    .min(1)
    .max(MAX_TENSORS)
    .refine((tensors) => distinct(tensors, ({ name }) => name), "must name each tensor once"),
  maxDistance: z.number().positive(),
  maxSamples: count,
}) satisfies z.ZodType<TaskManifest>;

export const publishedManifestSchema = z.discriminatedUnion("schema", [
  releaseManifest,
  taskManifest,
]) satisfies z.ZodType<PublishedManifest>;

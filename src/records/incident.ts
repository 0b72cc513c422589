import { z } from "zod";
import { hash, name, RecordBounds, sentence, text } from "./fields.js";
import { Severities } from "./types.js";

export const IncidentKinds = [
  "workload-down",
  "workload-unhealthy",
  "release-failing",
  "node-unreachable",
  "state-critical",
] as const;
export type IncidentKind = (typeof IncidentKinds)[number];

const fact = z.union([sentence, z.number(), z.boolean()]);

/**
 * Something that went wrong. It names no author and no time, so that what several nodes see of one failure has the same
 * bytes: the anchor says who knew it, and when.
 */
export const incidentSchema = z.strictObject({
  schema: z.literal("witan/incident/1"),
  kind: z.enum(IncidentKinds),
  severity: z.enum(Severities),
  /** What it happened to, such as "workload/web-3". */
  subject: name,
  observed: z
    .record(text(64), fact)
    .refine((facts) => Object.keys(facts).length <= RecordBounds.maxFacts, "has too many facts"),
  detection: z.strictObject({ probe: name, threshold: sentence.optional() }),
  resolution: z.strictObject({ resolves: hash, directive: hash, outcome: hash }).nullable(),
});

export type Incident = z.output<typeof incidentSchema>;

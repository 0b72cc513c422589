import { z } from "zod";
import { joinWords } from "../encoding/abi.js";
import { bytesOf, utf8 } from "../encoding/hex.js";
import { keccak256 } from "../encoding/keccak.js";
import { subjectHash } from "../subjects.js";
import { type ContentId, type Hex, type IncidentKind, IncidentKinds, Severities, type Severity } from "../types.js";
import { MAX_FACTS } from "./bounds.js";
import { contentId, hash, label, text } from "./scalars.js";

/**
 * A failure that was observed. It names no author and no time, so that all nodes that observe it write the same bytes with
 * one ContentId; the anchors tell which nodes did, and when.
 */
export interface Incident {
  readonly schema: "witan/incident/1";
  readonly kind: IncidentKind;
  readonly severity: Severity;
  /** Such as `replica/web/3`. */
  readonly subject: string;
  readonly observed: Readonly<Record<string, string | number | boolean>>;
  readonly detection: Detection;
  /** null while it is open. */
  readonly resolution: Resolution | null;
}

/**
 * Groups the records of one ongoing failure, which may differ in severity, facts and detection: keccak256 of the kind's
 * keccak256 and the subject's `subjectHash`.
 *
 * @example incidentFingerprint({ kind: "replica-down", subject: "replica/web/3" })
 */
export function incidentFingerprint({ kind, subject }: Pick<Incident, "kind" | "subject">): Hex {
  return keccak256(joinWords(bytesOf(keccak256(utf8(kind))), bytesOf(subjectHash(subject))));
}

/** How it was detected. */
export interface Detection {
  readonly probe: string;
  /** The rule that was broken, such as `latency > 2000 ms`. */
  readonly threshold?: string;
}

/** How it was resolved. */
export interface Resolution {
  /** The Incident record that this one closes. */
  readonly resolves: ContentId;
  /** The id of the directive that resolved it. */
  readonly directive: Hex;
  /** The Outcome record of that directive. */
  readonly outcome: ContentId;
}

export const incidentSchema = z.strictObject({
  schema: z.literal("witan/incident/1"),
  kind: z.enum(IncidentKinds),
  severity: z.enum(Severities),
  subject: label,
  observed: z
    .record(label, z.union([text, z.number(), z.boolean()]))
    .refine((facts) => Object.keys(facts).length <= MAX_FACTS, `must hold at most ${MAX_FACTS} facts`),
  detection: z.strictObject({ probe: label, threshold: text.exactOptional() }),
  resolution: z.strictObject({ resolves: contentId, directive: hash, outcome: contentId }).nullable(),
}) satisfies z.ZodType<Incident>;

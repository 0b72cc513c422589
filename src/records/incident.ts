import { z } from "zod";
import { joinWords } from "./abi.js";
import { MAX_FACTS } from "./bounds.js";
import { bytesOf, utf8 } from "./hex.js";
import { keccak256 } from "./keccak.js";
import { contentId, hash, label, text } from "./scalars.js";
import { subjectHash } from "./subjects.js";
import { type ContentId, type Hex, type IncidentKind, IncidentKinds, Severities, type Severity } from "./types.js";

/**
 * A failure that was seen. It names no author and no clock, so that what several nodes see of one failure has the same
 * bytes and one ContentId; who saw it, and when, is what the anchors say.
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
 * What tells one trouble from another over time: keccak256 of the kind's own keccak256 and the `subjectHash` of the
 * subject. Records of one trouble differ in severity, facts and detection, and share this.
 *
 * @example incidentFingerprint({ kind: "replica-down", subject: "replica/web/3" })
 */
export function incidentFingerprint({ kind, subject }: Pick<Incident, "kind" | "subject">): Hex {
  return keccak256(joinWords(bytesOf(keccak256(utf8(kind))), bytesOf(subjectHash(subject))));
}

/** How it was noticed. */
export interface Detection {
  readonly probe: string;
  /** The rule that was broken, such as `latency > 2000 ms`. */
  readonly threshold?: string;
}

/** How it ended. */
export interface Resolution {
  /** The Incident record that this one closes. */
  readonly resolves: ContentId;
  /** The id of the directive that mended it. */
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

import { keccak_256 } from "@noble/hashes/sha3.js";
import { InvalidInputError } from "../errors.js";
import { keccakText, toHex } from "./fields.js";
import { type ContentId, type DirectiveKind, DirectiveKinds, type Hex, type Track } from "./types.js";

/** A directive as the contracts know it. */
export interface Directive {
  readonly kind: DirectiveKind;
  /** {@link subjectHash} of the subject's name. */
  readonly subject: Hex;
  /** The ContentId of the payload. */
  readonly payload: ContentId;
  /** Seconds from issue to activation. */
  readonly delay: number;
  /** Seconds after activation within which outcomes count. */
  readonly window: number;
  readonly salt: Hex;
  /** Strictly ascending. */
  readonly evidence: readonly ContentId[];
}

/** A directive cites at most this many records, as the contracts demand. */
export const MAX_EVIDENCE = 16;

const trackOfKinds: Record<DirectiveKind, Track> = {
  Rollback: "emergency",
  Restart: "emergency",
  Deploy: "operations",
  Scale: "operations",
  StartRound: "operations",
  AcceptModel: "operations",
  SetFlag: "operations",
  Experiment: "operations",
  Admit: "membership",
  Ban: "membership",
  RotateKey: "membership",
  SetParameter: "constitution",
  SetTrack: "constitution",
};

/** The track that directives of this kind are decided under. */
export function trackOfKind(kind: DirectiveKind): Track {
  return trackOfKinds[kind];
}

/** What the contracts keep of a subject's name. */
export function subjectHash(subject: string): Hex {
  return keccakText(subject);
}

/** Evidence in the order that the contracts demand, each record once. Throws {@link InvalidInputError} over the limit. */
export function sortEvidence(evidence: readonly ContentId[]): ContentId[] {
  const sorted = [...new Set(evidence)].sort();
  if (sorted.length > MAX_EVIDENCE) {
    throw new InvalidInputError(`A proposal cites at most ${MAX_EVIDENCE} records, not ${sorted.length}.`);
  }
  return sorted;
}

/** The id of a directive: keccak256(abi.encode(directive)). */
export function directiveId(directive: Directive): Hex {
  const { kind, subject, payload, delay, window, salt, evidence } = directive;
  const number = (value: number) => value.toString(16).padStart(64, "0");
  const words = [
    // The struct is dynamic: its encoding begins with the offset of its fields, and theirs with that of the evidence.
    number(0x20),
    number(DirectiveKinds.indexOf(kind)),
    subject.slice(2),
    payload.slice(2),
    number(delay),
    number(window),
    salt.slice(2),
    number(0xe0),
    number(evidence.length),
    ...evidence.map((id) => id.slice(2)),
  ];
  const bytes = Uint8Array.from(words.join("").match(/../g) ?? [], (byte) => Number.parseInt(byte, 16));
  return `0x${toHex(keccak_256(bytes))}`;
}

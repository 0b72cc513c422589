import { InvalidInputError } from "../errors.js";
import { isContentId } from "./contentId.js";
import { joinWords, uintWord } from "./encoding/abi.js";
import { bytesOf } from "./encoding/hex.js";
import { keccak256 } from "./encoding/keccak.js";
import { MAX_EVIDENCE, MAX_UINT32 } from "./schemas/bounds.js";
import { type ContentId, type DirectiveKind, DirectiveKinds, type Hex, type Track } from "./types.js";

/** An order as it is on chain. Times are relative to its issue, so that the same observation always gives the same directive. */
export interface Directive {
  readonly kind: DirectiveKind;
  /** `subjectHash` of the payload's subject. */
  readonly subject: Hex;
  /** The `witan/directive/1` block. */
  readonly payload: ContentId;
  /** Seconds between issue and activation. */
  readonly delay: number;
  /** Seconds after activation within which outcomes are accepted. */
  readonly window: number;
  /** Distinguishes two orders that are otherwise equal. */
  readonly salt: Hex;
  /** The records that justify it, strictly ascending, at most {@link MAX_EVIDENCE}. */
  readonly evidence: readonly ContentId[];
}

const tracks: { readonly [Kind in DirectiveKind]: Track } = {
  Deploy: "operations",
  Scale: "operations",
  Rollback: "emergency",
  Restart: "emergency",
  StartRound: "operations",
  AcceptModel: "operations",
  Admit: "membership",
  Ban: "membership",
  RotateKey: "membership",
  SetParameter: "constitution",
  SetFlag: "operations",
  SetTrack: "constitution",
  Experiment: "operations",
};

/** The track that a kind of directive is decided under. */
export function trackOfKind(kind: DirectiveKind): Track {
  return tracks[kind];
}

/**
 * The directive's id: keccak256(abi.encode(directive)), as DirectiveRegistry computes it.
 *
 * @throws {InvalidInputError} if a field does not fit its type on chain or the evidence breaks {@link sortEvidence}.
 */
export function directiveId(directive: Directive): Hex {
  const { kind, subject, payload, delay, window, salt, evidence } = directive;
  const index = DirectiveKinds.indexOf(kind);
  const fits = index >= 0 && [subject, payload, salt].every(isContentId) && [delay, window].every(isUint32);
  const ordered = sortEvidence(evidence).every((id, i) => id === evidence[i]);
  if (!fits || !ordered) throw new InvalidInputError(`Not a directive: ${kind} with subject ${subject}`);
  const HEAD_WORDS = 7;
  const words = joinWords(
    uintWord(32), // where the struct starts
    uintWord(index),
    bytesOf(subject),
    bytesOf(payload),
    uintWord(delay),
    uintWord(window),
    bytesOf(salt),
    uintWord(HEAD_WORDS * 32), // where the evidence starts
    uintWord(evidence.length),
    ...evidence.map(bytesOf),
  );
  return keccak256(words);
}

/**
 * Evidence in the order the chain demands: strictly ascending.
 *
 * @throws {InvalidInputError} if there are over {@link MAX_EVIDENCE}, one is cited twice, or one is zero or no ContentId.
 */
export function sortEvidence(evidence: readonly ContentId[]): ContentId[] {
  if (evidence.length > MAX_EVIDENCE) {
    throw new InvalidInputError(`A directive cites at most ${MAX_EVIDENCE} records, not ${evidence.length}`);
  }
  if (new Set(evidence).size !== evidence.length) throw new InvalidInputError("A directive cites each record once");
  for (const id of evidence) {
    if (!isContentId(id) || BigInt(id) === 0n) throw new InvalidInputError(`Not evidence: ${String(id)}`);
  }
  // Strings of lower-case digits of equal length compare like the numbers.
  return [...evidence].sort((a, b) => (a < b ? -1 : 1));
}

function isUint32(value: number): boolean {
  return Number.isInteger(value) && value >= 0 && value <= MAX_UINT32;
}

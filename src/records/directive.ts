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
  /** Distinguishes two orders that are otherwise equal: {@link directiveSalt}. */
  readonly salt: Hex;
  /** For an order on a workload or replica, the last directive on the subject, zero if there was none; else zero. */
  readonly base: Hex;
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
  ChangeOperator: "membership",
  SetParameter: "constitution",
  SetFlag: "operations",
  SetTrack: "constitution",
  Experiment: "operations",
  Suspend: "emergency",
  AdmitPublisher: "membership",
  RevokePublisher: "emergency",
};

/** The track that a kind of directive is decided under. */
export function trackOfKind(kind: DirectiveKind): Track {
  return tracks[kind];
}

/** Seconds in a window, as in the contract: what nodes vote on before it is opened says when it may be opened. */
export const WINDOW_SECONDS = 300;

/** Whether an order of this kind names its base: the chain issues it only if nothing else was issued on its subject since. */
export function hasBase(kind: DirectiveKind): boolean {
  return kind === "Deploy" || kind === "Scale" || kind === "Rollback" || kind === "Restart" || kind === "Suspend";
}

/**
 * The salt of an order.
 *
 * @param window The opening's time in seconds divided by {@link WINDOW_SECONDS}; 0 on a track with a voting delay.
 * @param attempt Counts the proposals of the same order, from 0.
 */
export function directiveSalt(window: number, attempt: number): Hex {
  return `0x${((BigInt(window) << 32n) | BigInt(attempt)).toString(16).padStart(64, "0")}`;
}

/** The window and the attempt of a salt. */
export function parseSalt(salt: Hex): { readonly window: bigint; readonly attempt: number } {
  const number = BigInt(salt);
  return { window: number >> 32n, attempt: Number(number & 0xffff_ffffn) };
}

/**
 * The directive's id: keccak256(abi.encode(directive)), as DirectiveRegistry computes it.
 *
 * @throws {InvalidInputError} if a field does not fit its type on chain or the evidence breaks {@link sortEvidence}.
 */
export function directiveId(directive: Directive): Hex {
  const { kind, subject, payload, delay, window, salt, base, evidence } = directive;
  const index = DirectiveKinds.indexOf(kind);
  const fits = index >= 0 && [subject, payload, salt, base].every(isContentId) && [delay, window].every(isUint32);
  const ordered = sortEvidence(evidence).every((id, i) => id === evidence[i]);
  if (!fits || !ordered) throw new InvalidInputError(`Not a directive: ${kind} with subject ${subject}`);
  const HEAD_WORDS = 8;
  const words = joinWords(
    uintWord(32), // where the struct starts
    uintWord(index),
    bytesOf(subject),
    bytesOf(payload),
    uintWord(delay),
    uintWord(window),
    bytesOf(salt),
    bytesOf(base),
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

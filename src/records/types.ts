/** `0x` and lower-case hexadecimal digits; an {@link Address} alone mixes case. */
export type Hex = `0x${string}`;

/** An account: 20 bytes, with the EIP-55 checksum in the case of its letters. */
export type Address = Hex;

/** The sha2-256 digest of a block: `0x` and 64 digits, on chain too; as text for IPFS it is a CIDv1. */
export type ContentId = Hex;

/** The kinds of records. The index is the enum on chain and part of every leaf: append only. */
export const RecordKinds = ["State", "Model", "Incident", "Outcome"] as const;
export type RecordKind = (typeof RecordKinds)[number];

/** The kinds of directives. The index is the enum on chain and part of every directive id: append only. */
export const DirectiveKinds = [
  "Deploy",
  "Scale",
  "Rollback",
  "Restart",
  "StartRound",
  "AcceptModel",
  "Admit",
  "Ban",
  "ChangeOperator",
  "SetParameter",
  "SetFlag",
  "SetTrack",
  "Experiment",
  "Suspend",
  "AdmitPublisher",
  "RevokePublisher",
] as const;
export type DirectiveKind = (typeof DirectiveKinds)[number];

/** The rules a directive is decided under, from the quickest to the most careful. The index is the enum on chain. */
export const Tracks = ["emergency", "operations", "membership", "constitution"] as const;
export type Track = (typeof Tracks)[number];

/** What a ballot may say. The index is the number on chain, as in OpenZeppelin's Governor. */
export const Supports = ["against", "for", "abstain"] as const;
export type Support = (typeof Supports)[number];

/** Ascending. */
export const Severities = ["low", "medium", "high", "critical"] as const;
export type Severity = (typeof Severities)[number];

/** The named states of phi, ascending. */
export const NamedStates = ["CHAOTIC", "MYSTICAL", "CONTEMPLATIVE", "HARMONIC", "EUPHORIC"] as const;
export type NamedState = (typeof NamedStates)[number];

/** From best to worst. */
export const Healths = ["healthy", "degraded", "unhealthy"] as const;
export type Health = (typeof Healths)[number];

/**
 * What a node's disk is, from better to worse, unless it is well. With `low-space` the node stores no files, with `full` no
 * records either; `read-only` or `failed`, it cannot write down what it would sign.
 */
export const DiskStates = ["low-space", "full", "read-only", "failed"] as const;
export type DiskState = (typeof DiskStates)[number];

export const IncidentKinds = [
  "replica-down",
  "replica-unhealthy",
  "release-failing",
  "node-unreachable",
  "state-critical",
  "equivocation",
] as const;
export type IncidentKind = (typeof IncidentKinds)[number];

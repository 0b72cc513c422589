/** The words that records, contracts and people share. Their order is that of the contracts' enums: append only. */
export type Hex = `0x${string}`;
/** An account, checksummed (EIP-55). */
export type Address = Hex;
/** 0x and 64 hex digits: the sha2-256 digest of a block. */
export type ContentId = Hex;

export const RecordKinds = ["State", "Model", "Incident", "Outcome"] as const;
export type RecordKind = (typeof RecordKinds)[number];

export const DirectiveKinds = [
  "Deploy",
  "Scale",
  "Rollback",
  "Restart",
  "StartRound",
  "AcceptModel",
  "Admit",
  "Ban",
  "RotateKey",
  "SetParameter",
  "SetFlag",
  "SetTrack",
  "Experiment",
] as const;
export type DirectiveKind = (typeof DirectiveKinds)[number];

export const Tracks = ["emergency", "operations", "membership", "constitution"] as const;
export type Track = (typeof Tracks)[number];

export const Severities = ["low", "medium", "high", "critical"] as const;
export type Severity = (typeof Severities)[number];

export const NamedStates = ["CHAOTIC", "MYSTICAL", "CONTEMPLATIVE", "HARMONIC", "EUPHORIC"] as const;
export type NamedState = (typeof NamedStates)[number];

export const HealthStates = ["healthy", "degraded", "unhealthy"] as const;
export type Health = (typeof HealthStates)[number];

import type { ChainEventOf } from "../../ports/chain/index.js";

/** The events that change who is a member, and who is counted. */
export const membershipEvents = [
  ...(["NodeAdmitted", "AgentSet", "AgentRevoked", "NodeRemoved", "OperatorChanged"] as const),
  ...(["Suspended", "Returned", "Lapsed"] as const),
] as const;

export type MembershipEvent = ChainEventOf<(typeof membershipEvents)[number]>;

import type { Call } from "../../ports/chain/index.js";
import type { Address, ContentId, Directive, DirectivePayload, Hex, Track } from "../../records/index.js";

/** A proposal's id: a 256-bit number in decimal, as in every Governor. */
export type ProposalId = string;

/** The states of a proposal, in the order of the contract's enum. */
export const ProposalStates = [
  "Pending",
  "Active",
  "Canceled",
  "Defeated",
  "Succeeded",
  "Queued",
  "Expired",
  "Executed",
] as const;
export type ProposalState = (typeof ProposalStates)[number];

/** What a proposal needs to pass, as frozen at its opening. Votes are in nodes, durations in seconds. */
export interface ProposalRules {
  readonly epoch: number;
  readonly committeeSize: number;
  /** Which seats were suspended at its opening, as the number of a presence; 0 for none ever. */
  readonly presence: number;
  /** The seats whose votes count: of the committee those that are not suspended, or have not lapsed. */
  readonly counted: number;
  /** Votes For without which it does not pass. */
  readonly neededFor: number;
  /** Votes For that end the vote early, since no later ballot could change the result; 0 for none. */
  readonly fastPathFor: number;
  /** For, of For + Against, that passes it at the deadline, in 60,000ths. */
  readonly approval: number;
  /** Whether it claims a fact: nodes that see it vote For, others not at all. */
  readonly claim: boolean;
  readonly timelock: number;
  readonly expiry: number;
}

/** A proposal to issue a directive. Moments are in seconds since the Unix epoch, by the chain. Survives JSON. */
export interface Proposal {
  readonly id: ProposalId;
  readonly state: ProposalState;
  readonly track: Track;
  readonly rules: ProposalRules;
  readonly proposer: Address;
  /** Null if the calls do not issue exactly one directive of a known kind. */
  readonly directive: Directive | null;
  /** The id under which the directive will be issued. */
  readonly directiveId: Hex | null;
  /** The full order of the directive, if the caller asked for it. */
  readonly payload?: DirectivePayload;
  readonly evidence: readonly ContentId[];
  readonly votes: { readonly for: number; readonly against: number; readonly abstain: number };
  /** Ballots count after this moment. */
  readonly start: number;
  readonly deadline: number;
  /** When a passed proposal lapses. */
  readonly expiry: number;
  /** When it may be executed; null until it is queued. */
  readonly eta: number | null;
  /** As its proposer wrote it: what is not UTF-8 is U+FFFD, and over 64 KiB are cut. Not checked; see `checkProposal`. */
  readonly description: string;
  /** The keccak256 of the description's bytes, which the proposal's id covers. */
  readonly descriptionHash: Hex;
  readonly calls: readonly Call[];
  readonly transactionHash: Hex;
  readonly blockNumber: number;
}

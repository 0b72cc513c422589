import type { BuiltProposal, Proposal, ProposalRules } from "../../client/index.js";
import { isClaimTrack, votesNeeded } from "../../policy/index.js";
import { type Address, parseSalt, type Track, type TrackRules, WINDOW_SECONDS } from "../../records/index.js";

/**
 * A proposal that is not on chain yet. Its id is a hash of what it says, so nodes that see the same can vote on it
 * before anybody has opened it; enough ballots open it and issue its directive in one transaction.
 */
export interface UnopenedProposal extends Proposal {
  readonly built: BuiltProposal;
}

export function isUnopened(proposal: Proposal): proposal is UnopenedProposal {
  return "built" in proposal;
}

export interface MakeUnopenedProposalParameters {
  readonly built: BuiltProposal;
  readonly self: Address;
  readonly track: Track;
  /** The rules now: the governor freezes them when the proposal is opened. */
  readonly rules: TrackRules;
  readonly epoch: number;
  readonly committeeSize: number;
  /** The presence now, and the seats that count in it. */
  readonly presence: number;
  readonly counted: number;
  /** The chain's time, in seconds. */
  readonly chainTime: number;
}

export function makeUnopenedProposal(parameters: MakeUnopenedProposalParameters): UnopenedProposal {
  const { built, chainTime, committeeSize, counted, epoch, presence, rules, self, track } = parameters;
  const { approval, timelock, expiry, votingPeriod } = rules;
  const frozen: ProposalRules = {
    epoch,
    committeeSize,
    presence,
    counted,
    ...votesNeeded(track, rules, {
      all: committeeSize,
      counted,
      suspends: built.directive.kind === "Suspend",
    }),
    approval,
    claim: isClaimTrack(track),
    timelock,
    expiry,
  };
  const { window } = parseSalt(built.directive.salt);
  const isWindowed = window !== 0n && frozen.claim;
  const deadline = isWindowed ? (Number(window) + 2) * WINDOW_SECONDS : chainTime + votingPeriod;
  return {
    id: built.proposalId,
    state: "Active",
    track,
    rules: frozen,
    proposer: self,
    directive: built.directive,
    directiveId: built.directiveId,
    evidence: built.directive.evidence,
    votes: { for: 0, against: 0, abstain: 0 },
    start: chainTime,
    deadline,
    expiry: deadline + expiry,
    eta: null,
    description: built.description,
    descriptionHash: built.descriptionHash,
    calls: built.calls,
    transactionHash: "0x",
    blockNumber: 0,
    built,
  };
}

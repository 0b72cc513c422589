import { type Call, type ChainEventOf, decodeCall } from "../../ports/chain/index.js";
import { type Address, type Directive, directiveId, type Hex, Tracks } from "../../records/index.js";
import type { ClientContext } from "../client.js";
import { UnknownProposalError } from "../errors.js";
import { directiveOfCall, isIssue } from "./directiveCall.js";
import type { Proposal } from "./proposal.js";
import { stateOf } from "./stateOf.js";

/** The calls of a proposal, from the event that opened it. */
export function callsOf({ args }: ChainEventOf<"ProposalCreated">): Call[] {
  return args.targets.map((target, i) => ({
    target: target as Address,
    value: (args.values[i] ?? 0n).toString(),
    data: (args.calldatas[i] ?? "0x") as Hex,
  }));
}

/** The directive that calls would issue; null if they issue no directive, or several. */
export function directiveOf(addresses: ClientContext["chain"]["addresses"], calls: readonly Call[]): Directive | null {
  const issues = calls.map((call) => decodeCall(addresses, call)).filter(isIssue);
  const [issue] = issues;
  return issue === undefined || issues.length > 1 ? null : (directiveOfCall(issue) ?? null);
}

/** The newest event that opened the proposal. Throws {@link UnknownProposalError}. */
export async function findCreated(
  { proposals }: Pick<ClientContext, "proposals">,
  proposalId: string,
): Promise<ChainEventOf<"ProposalCreated">> {
  const event = (await proposals.read()).findLast(({ args }) => args.proposalId.toString() === proposalId);
  if (event === undefined) throw new UnknownProposalError(proposalId);
  return event;
}

/** Reads a proposal from its event and the contract, as of the next block. */
export async function readProposal(client: ClientContext, created: ChainEventOf<"ProposalCreated">): Promise<Proposal> {
  const { chain } = client;
  const { governor } = chain.contracts;
  const { args, transactionHash, blockNumber } = created;
  const at = { blockTag: chain.tip };
  const [state, rules, votes, deadline, expiry, eta] = await Promise.all([
    stateOf(client, args.proposalId.toString()),
    chain.read(() => governor.proposalRules(args.proposalId, at)),
    chain.read(() => governor.proposalVotes(args.proposalId, at)),
    chain.read(() => governor.proposalDeadline(args.proposalId, at)),
    chain.read(() => governor.proposalExpiry(args.proposalId, at)),
    chain.read(() => governor.proposalEta(args.proposalId, at)),
  ]);
  const track = Tracks[Number(rules.track)];
  if (state === undefined || track === undefined) throw new UnknownProposalError(args.proposalId.toString());
  const calls = callsOf(created);
  const directive = directiveOf(chain.addresses, calls);
  return {
    id: args.proposalId.toString(),
    state,
    track,
    rules: {
      epoch: Number(rules.epoch),
      committeeSize: Number(rules.committeeSize),
      presence: Number(rules.presence),
      counted: Number(rules.counted),
      neededFor: Number(rules.neededFor),
      fastPathFor: Number(rules.fastPathFor),
      approval: Number(rules.approval),
      claim: rules.claim,
      timelock: Number(rules.timelock),
      expiry: Number(rules.expiry),
    },
    proposer: args.proposer as Address,
    directive,
    directiveId: directive === null ? null : directiveId(directive),
    evidence: directive?.evidence ?? [],
    votes: {
      for: Number(votes.forVotes),
      against: Number(votes.againstVotes),
      abstain: Number(votes.abstainVotes),
    },
    start: Number(args.voteStart),
    deadline: Number(deadline),
    expiry: Number(expiry),
    eta: eta === 0n ? null : Number(eta),
    description: args.description,
    descriptionHash: args.descriptionHash,
    calls,
    transactionHash,
    blockNumber,
  };
}

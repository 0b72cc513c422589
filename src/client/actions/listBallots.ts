import type { Address, Hex } from "../../records/index.js";
import type { ClientContext } from "../client.js";
import { type ProposalId, type Support, Supports } from "../proposals/proposal.js";
import { findCreated } from "../proposals/readProposal.js";

/** A vote that counted. */
export interface CastBallot {
  readonly voter: Address;
  readonly support: Support;
  readonly reason: string;
  readonly transactionHash: Hex;
  readonly blockNumber: number;
}

/**
 * Who voted on a proposal, how and why, in the order of the chain.
 *
 * @throws {@link UnknownProposalError}; ChainError.
 * @example
 * for (const { voter, support, reason } of await client.listBallots({ proposalId })) console.log(voter, support, reason);
 */
export async function listBallots(
  client: ClientContext,
  { proposalId }: { readonly proposalId: ProposalId },
): Promise<CastBallot[]> {
  const { blockNumber: fromBlock } = await findCreated(client, proposalId);
  const events = await client.chain.events({ names: ["VoteCast", "VoteCastWithParams"], fromBlock });
  return events
    .filter(({ args }) => args.proposalId.toString() === proposalId)
    .map(({ args, transactionHash, blockNumber }) => ({
      voter: args.voter as Address,
      support: Supports[Number(args.support)] ?? "abstain",
      reason: args.reason,
      transactionHash,
      blockNumber,
    }));
}

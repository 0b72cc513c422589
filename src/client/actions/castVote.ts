import type { Receipt } from "../../ports/chain/index.js";
import { type Ballot, checkReason, supportNumber } from "../ballots/ballot.js";
import type { ClientContext } from "../client.js";
import { sendTransaction } from "../transactions/sendTransaction.js";

export interface CastVoteParameters extends Ballot {
  readonly signal?: AbortSignal | undefined;
}

/**
 * Casts the caller's one vote on a proposal.
 *
 * @throws ContractRevertError, such as `GovernorAlreadyCastVote`, `GovernorNotMember` or
 * `GovernorUnexpectedProposalState`; ChainError; InvalidInputError for a reason that is too long.
 * @example
 * await client.castVote({ proposalId, support: "for", reason: "web/3 does not answer me either" });
 */
export async function castVote(
  client: ClientContext,
  { proposalId, support, reason, signal }: CastVoteParameters,
): Promise<Receipt> {
  const number = supportNumber(support);
  checkReason(reason);
  const { governor } = client.chain.contracts;
  return sendTransaction(
    client,
    () =>
      reason === undefined
        ? governor.castVote(proposalId, number)
        : governor.castVoteWithReason(proposalId, number, reason),
    signal,
  );
}

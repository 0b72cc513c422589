import { InvalidInputError } from "../../errors.js";
import type { Receipt } from "../../ports/chain/index.js";
import {
  aggregateBallots,
  checkBallots,
  MAX_BALLOTS_PER_BATCH,
  type NodeBallot,
  packBallots,
} from "../ballots/nodeBallot.js";
import type { ClientContext } from "../client.js";
import type { ProposalId } from "../proposals/proposal.js";
import { requireAccount } from "../transactions/requireAccount.js";
import { sendTransaction } from "../transactions/sendTransaction.js";

export interface CastVotesParameters {
  readonly proposalId: ProposalId;
  /** Ballots on this proposal, all signed in one way, one of each node. */
  readonly ballots: readonly NodeBallot[];
  readonly signal?: AbortSignal | undefined;
}

/**
 * Brings many nodes' ballots to the governor in one transaction; those that count already are skipped. BLS signatures are added up
 * first; they must have been verified, since one bad one spoils the sum.
 *
 * @throws ContractRevertError, such as `GovernorNothingNew` where all of the nodes have voted already,
 * `NodeRegistryInvalidSignature` or `GovernorUnexpectedProposalState`; {@link InvalidInputError}; KeyError; ChainError.
 * @example
 * await client.castVotes({ proposalId, ballots });
 */
export async function castVotes(
  client: ClientContext,
  { proposalId, ballots, signal }: CastVotesParameters,
): Promise<Receipt> {
  requireAccount(client);
  const { governor } = client.chain.contracts;
  if (checkBallots(proposalId, ballots) === "bls") {
    const { signers, signature } = await aggregateBallots(ballots);
    return sendTransaction(client, () => governor.castVotesByAggregate(proposalId, signers, signature), signal);
  }
  if (ballots.length > MAX_BALLOTS_PER_BATCH) {
    throw new InvalidInputError(`A transaction takes ${MAX_BALLOTS_PER_BATCH} ballots, not ${ballots.length}.`);
  }
  return sendTransaction(client, () => governor.castVotesBySig(proposalId, packBallots(ballots)), signal);
}

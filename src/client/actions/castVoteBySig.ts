import type { Receipt } from "../../ports/chain/index.js";
import { type SignedBallot, supportNumber } from "../ballots/ballot.js";
import type { ClientContext } from "../client.js";
import { sendTransaction } from "../transactions/sendTransaction.js";

export interface CastVoteBySigParameters {
  readonly ballot: SignedBallot;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Sends any node's signed ballot to the governor. The caller pays.
 *
 * @throws ContractRevertError, such as `GovernorInvalidSignature`, `GovernorAlreadyCastVote` or `GovernorNotMember`;
 * ChainError.
 * @example
 * await client.castVoteBySig({ ballot });
 */
export async function castVoteBySig(
  client: ClientContext,
  { ballot, signal }: CastVoteBySigParameters,
): Promise<Receipt> {
  const { proposalId, support, voter, signature, reason } = ballot;
  const number = supportNumber(support);
  const { governor } = client.chain.contracts;
  return sendTransaction(
    client,
    () =>
      reason === undefined
        ? governor.castVoteBySig(proposalId, number, voter, signature)
        : governor.castVoteWithReasonAndParamsBySig(proposalId, number, voter, reason, "0x", signature),
    signal,
  );
}

import type { Receipt } from "../../ports/chain/index.js";
import type { ClientContext } from "../client.js";
import { requireAccount } from "../requireAccount.js";
import { supportNumber } from "./castVote.js";
import type { SignedBallot } from "./signBallot.js";

/**
 * Brings a signed ballot, of whomever, to the governor. The caller pays.
 *
 * @throws ContractRevertError, such as `GovernorInvalidSignature`, `GovernorAlreadyCastVote` or `GovernorNotMember`;
 * ChainError.
 * @example
 * await client.castVoteBySig({ ballot });
 */
export async function castVoteBySig(
  client: ClientContext,
  { ballot }: { readonly ballot: SignedBallot },
): Promise<Receipt> {
  requireAccount(client);
  const { proposalId, support, voter, signature, reason } = ballot;
  const number = supportNumber(support);
  const { governor } = client.chain.contracts;
  return client.chain.send(() =>
    reason === undefined
      ? governor.castVoteBySig(proposalId, number, voter, signature)
      : governor.castVoteWithReasonAndParamsBySig(proposalId, number, voter, reason, "0x", signature),
  );
}

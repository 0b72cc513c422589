import { signBallotMessage } from "../../ports/chain/index.js";
import { type Ballot, checkReason, type SignedBallot, supportNumber } from "../ballots/ballot.js";
import type { ClientContext } from "../client.js";
import { requireAccount, requireSigner } from "../transactions/requireAccount.js";

export type SignBallotParameters = Ballot;

/**
 * Signs a ballot with the caller's key, and sends nothing. The caller must keep a record of what it has signed: two
 * different ballots on one proposal prove that their signer cheats.
 *
 * @throws ChainError `read-only`; InvalidInputError.
 * @example
 * const ballot = await client.signBallot({ proposalId, support: "for" });
 */
export async function signBallot(client: ClientContext, parameters: SignBallotParameters): Promise<SignedBallot> {
  const voter = requireAccount(client);
  const { proposalId, support, reason } = parameters;
  const { chainId, addresses } = client.chain;
  checkReason(reason);
  const signature = await signBallotMessage(
    requireSigner(client),
    { chainId, governor: addresses.NodeGovernor },
    { proposalId, support: supportNumber(support), reason },
  );
  return { proposalId, support, ...(reason === undefined ? {} : { reason }), voter, signature };
}

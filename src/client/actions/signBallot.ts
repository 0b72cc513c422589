import { ChainError, signBallotMessage } from "../../ports/chain/index.js";
import type { Address, Hex, Support } from "../../records/index.js";
import type { ClientContext } from "../client.js";
import type { ProposalId } from "../proposals/proposal.js";
import { requireAccount } from "../requireAccount.js";
import { type CastVoteParameters, checkReason, supportNumber } from "./castVote.js";

/** One node's vote, signed. Anybody may bring it to the governor; it counts once. */
export interface SignedBallot {
  readonly proposalId: ProposalId;
  readonly support: Support;
  /** Signed along with the vote, where there is one. */
  readonly reason?: string;
  readonly voter: Address;
  readonly signature: Hex;
}

/**
 * Signs a ballot with the caller's key, and sends nothing. The caller must keep a record of what it has signed: two
 * different ballots on one proposal betray their signer.
 *
 * @throws ChainError `read-only`; InvalidInputError.
 * @example
 * const ballot = await client.signBallot({ proposalId, support: "for" });
 */
export async function signBallot(client: ClientContext, parameters: CastVoteParameters): Promise<SignedBallot> {
  const voter = requireAccount(client);
  const { proposalId, support, reason } = parameters;
  const { chainId, addresses, signer } = client.chain;
  if (signer === undefined) throw new ChainError("read-only", "This needs a signer: the chain was opened for reading.");
  checkReason(reason);
  const signature = await signBallotMessage(
    signer,
    { chainId, governor: addresses.NodeGovernor },
    { proposalId, support: supportNumber(support), reason },
  );
  return { proposalId, support, ...(reason === undefined ? {} : { reason }), voter, signature };
}

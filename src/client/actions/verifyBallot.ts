import { recoverVoter } from "../../ports/chain/index.js";
import { type SignedBallot, supportNumber } from "../ballots/ballot.js";
import type { ClientContext } from "../client.js";

/**
 * Checks whether the voter that a ballot names has signed it, for this chain and this governor. Does not check membership. Pure;
 * for accounts that are key pairs, not contracts.
 *
 * @example
 * if (!verifyBallot(client, ballot)) return;
 */
export function verifyBallot(
  { chain }: { readonly chain: Pick<ClientContext["chain"], "chainId" | "addresses"> },
  { proposalId, support, reason, voter, index, signature }: SignedBallot,
): boolean {
  const context = { chainId: chain.chainId, governor: chain.addresses.NodeGovernor };
  const signer = recoverVoter(context, { proposalId, support: supportNumber(support), index, reason }, signature);
  return signer?.toLowerCase() === voter.toLowerCase();
}

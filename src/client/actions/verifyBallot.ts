import { recoverVoter } from "../../ports/chain/index.js";
import { type SignedBallot, supportNumber } from "../ballots/ballot.js";
import type { ClientContext } from "../client.js";

/**
 * Whether a ballot was signed by the voter that it names, for this chain and this governor. Says nothing of membership. Pure;
 * for operators that are keys, not contracts.
 *
 * @example
 * if (!verifyBallot(client, ballot)) return;
 */
export function verifyBallot(
  { chain }: { readonly chain: Pick<ClientContext["chain"], "chainId" | "addresses"> },
  { proposalId, support, reason, voter, signature }: SignedBallot,
): boolean {
  const context = { chainId: chain.chainId, governor: chain.addresses.NodeGovernor };
  const signer = recoverVoter(context, { proposalId, support: supportNumber(support), reason }, signature);
  return signer?.toLowerCase() === voter.toLowerCase();
}

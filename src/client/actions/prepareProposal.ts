import type { ClientContext } from "../client.js";
import { nextProposal } from "../proposals/attempts.js";
import type { BuiltProposal, ProposalParameters } from "../proposals/composeProposal.js";

export type PrepareProposalParameters = ProposalParameters;

/**
 * Makes the proposal of an order that nodes open or join now. Unlike {@link buildProposal} it looks up what an order depends
 * on: the last order on its subject, the earlier proposals of the same order, and the time.
 *
 * @throws ChainError; AttemptsExhaustedError; what {@link buildProposal} throws.
 * @example
 * const { proposalId } = await client.prepareProposal({ order, evidence });
 */
export function prepareProposal(client: ClientContext, parameters: PrepareProposalParameters): Promise<BuiltProposal> {
  return nextProposal(client, parameters);
}

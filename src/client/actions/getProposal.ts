import type { ClientContext } from "../client.js";
import type { Proposal, ProposalId } from "../proposals/proposal.js";
import { findCreated, readProposal } from "../proposals/readProposal.js";
import { fetchPayload } from "./fetchPayload.js";

export interface GetProposalParameters {
  readonly proposalId: ProposalId;
  /** Fetch the payload too. */
  readonly withPayload?: boolean | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * A proposal with its rules, its votes and its state, as the next transaction would find it.
 *
 * @throws {@link UnknownProposalError}; ChainError; with the payload, what {@link fetchPayload} throws.
 * @example
 * const { state, votes } = await client.getProposal({ proposalId });
 */
export async function getProposal(
  client: ClientContext,
  { proposalId, withPayload = false, signal }: GetProposalParameters,
): Promise<Proposal> {
  const proposal = await readProposal(client, await findCreated(client, proposalId));
  if (!withPayload || proposal.directive === null) return proposal;
  return { ...proposal, payload: await fetchPayload(client, { contentId: proposal.directive.payload, signal }) };
}

import { raceSignal } from "race-signal";
import type { ClientContext } from "../client.js";
import type { Proposal, ProposalId } from "../proposals/proposal.js";
import { readPayload } from "../proposals/readPayload.js";
import { findCreated, readProposal } from "../proposals/readProposal.js";

export interface GetProposalParameters {
  readonly proposalId: ProposalId;
  /** Whether to fetch the payload too. */
  readonly withPayload?: boolean | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Reads a proposal with its rules, its votes and its state, as the next transaction would find it.
 *
 * @throws {@link UnknownProposalError}; ChainError; with the payload, the errors of {@link fetchPayload}.
 * @example
 * const { state, votes } = await client.getProposal({ proposalId });
 */
export async function getProposal(
  client: ClientContext,
  { proposalId, withPayload = false, signal }: GetProposalParameters,
): Promise<Proposal> {
  const read = async () => readProposal(client, await findCreated(client, proposalId));
  const proposal = await raceSignal(read(), signal);
  if (!withPayload || proposal.directive === null) return proposal;
  return { ...proposal, payload: await readPayload(client, { contentId: proposal.directive.payload, signal }) };
}

import { raceSignal } from "race-signal";
import type { ClientContext } from "../client.js";
import type { ProposalId } from "../proposals/proposal.js";

export interface ListOpenedProposalIdsParameters {
  readonly signal?: AbortSignal | undefined;
}

/**
 * Lists the ids of all proposals that were ever opened, oldest first, by one call that reads no state.
 *
 * @throws ChainError.
 * @example
 * const isOpened = (await client.listOpenedProposalIds()).includes(proposalId);
 */
export async function listOpenedProposalIds(
  { proposals }: Pick<ClientContext, "proposals">,
  { signal }: ListOpenedProposalIdsParameters = {},
): Promise<ProposalId[]> {
  const events = await raceSignal(proposals.read(), signal);
  return events.map(({ args }) => args.proposalId.toString());
}

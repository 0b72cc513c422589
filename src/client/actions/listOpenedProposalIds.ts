import { raceSignal } from "race-signal";
import type { ClientContext } from "../client.js";
import type { ProposalId } from "../proposals/proposal.js";

export interface ListOpenedProposalIdsParameters {
  readonly signal?: AbortSignal | undefined;
}

/**
 * The ids of the proposals that were ever opened, oldest first, whatever became of them: one call, and no state is read.
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

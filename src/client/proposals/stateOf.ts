import { isRevert } from "../../ports/chain/index.js";
import type { ClientContext } from "../client.js";
import { type ProposalId, type ProposalState, ProposalStates } from "./proposal.js";

/** A proposal's state as of the next block; undefined if there is no such proposal. */
export async function stateOf(
  { chain }: Pick<ClientContext, "chain">,
  proposalId: ProposalId,
): Promise<ProposalState | undefined> {
  try {
    const state = await chain.read(() => chain.contracts.governor.state(proposalId, { blockTag: chain.tip }));
    return ProposalStates[Number(state)];
  } catch (error) {
    if (isRevert(error, "GovernorNonexistentProposal")) return undefined;
    throw error;
  }
}

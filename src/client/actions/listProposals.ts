import type { Address } from "../../records/index.js";
import { sameHex } from "../../utils/sameHex.js";
import { newestOf } from "../anchors/newestOf.js";
import type { ClientContext } from "../client.js";
import type { Proposal, ProposalState } from "../proposals/proposal.js";
import { readProposal } from "../proposals/readProposal.js";
import { stateOf } from "../proposals/stateOf.js";

const DEFAULT_LIMIT = 50;

export interface ListProposalsParameters {
  /** Only proposals in one of these states. */
  readonly states?: readonly ProposalState[] | undefined;
  readonly proposer?: Address | undefined;
  /** At most this many; 50 by default. */
  readonly limit?: number | undefined;
  /** Only proposals that were opened in this block or later. */
  readonly fromBlock?: number | undefined;
}

/**
 * The newest proposals, newest first. What has ended is not asked for again once that is 32 blocks deep.
 *
 * @throws ChainError.
 * @example
 * const open = await client.listProposals({ states: ["Pending", "Active"] });
 */
export async function listProposals(
  client: ClientContext,
  { states, proposer, limit = DEFAULT_LIMIT, fromBlock = 0 }: ListProposalsParameters = {},
): Promise<Proposal[]> {
  const created = (await client.proposals.read()).filter(
    ({ args, blockNumber }) => blockNumber >= fromBlock && (proposer === undefined || sameHex(args.proposer, proposer)),
  );
  if (states === undefined) return newestOf(created, limit, (event) => readProposal(client, event));
  const head = await client.chain.blockNumber();
  return newestOf(created, limit, async (event) => {
    const state = await client.proposalStates.read(event, head, () =>
      stateOf(client, event.args.proposalId.toString()),
    );
    return state !== undefined && states.includes(state) ? readProposal(client, event) : undefined;
  });
}

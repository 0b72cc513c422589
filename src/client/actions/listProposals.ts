import type { Address } from "../../records/index.js";
import { sameHex } from "../../utils/sameHex.js";
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
 * The newest proposals, newest first.
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
  const found: Proposal[] = [];
  for (const event of [...created].reverse()) {
    if (found.length >= limit) break;
    const state = states === undefined ? undefined : await stateOf(client, event.args.proposalId.toString());
    if (states !== undefined && (state === undefined || !states.includes(state))) continue;
    found.push(await readProposal(client, event));
  }
  return found;
}

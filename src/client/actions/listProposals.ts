import { raceSignal } from "race-signal";
import { type ChainEventOf, isRevert } from "../../ports/chain/index.js";
import type { Address } from "../../records/index.js";
import { newestOf } from "../../utils/newestOf.js";
import { sameHex } from "../../utils/sameHex.js";
import type { ClientContext } from "../client.js";
import { UnknownProposalError } from "../errors.js";
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
  readonly signal?: AbortSignal | undefined;
}

/**
 * Lists the newest proposals, newest first. The state of a proposal that ended over 32 blocks ago is read once.
 *
 * @throws ChainError.
 * @example
 * const open = await client.listProposals({ states: ["Pending", "Active"] });
 */
export async function listProposals(
  client: ClientContext,
  { states, proposer, limit = DEFAULT_LIMIT, fromBlock = 0, signal }: ListProposalsParameters = {},
): Promise<Proposal[]> {
  const created = (await raceSignal(client.proposals.read(), signal)).filter(
    ({ args, blockNumber }) => blockNumber >= fromBlock && (proposer === undefined || sameHex(args.proposer, proposer)),
  );
  const read = (event: ChainEventOf<"ProposalCreated">) => raceSignal(readIfThere(client, event), signal);
  if (states === undefined) return newestOf(created, limit, read);
  const head = await raceSignal(client.chain.blockNumber(), signal);
  return newestOf(created, limit, async (event) => {
    const current = client.proposalStates.read(event, head, () => stateOf(client, event.args.proposalId.toString()));
    const state = await raceSignal(current, signal);
    return state !== undefined && states.includes(state) ? read(event) : undefined;
  });
}

/** Undefined if the proposal is not there: its block has left the chain since its event was read. The others are. */
async function readIfThere(
  client: ClientContext,
  event: ChainEventOf<"ProposalCreated">,
): Promise<Proposal | undefined> {
  try {
    return await readProposal(client, event);
  } catch (error) {
    if (error instanceof UnknownProposalError || isRevert(error, "GovernorNonexistentProposal")) return undefined;
    throw error;
  }
}

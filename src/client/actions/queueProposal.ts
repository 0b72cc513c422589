import type { Receipt } from "../../ports/chain/index.js";
import type { ClientContext } from "../client.js";
import { advanceProposal } from "../proposals/advance.js";
import type { ProposalId } from "../proposals/proposal.js";

export interface QueueProposalParameters {
  readonly proposalId: ProposalId;
  readonly signal?: AbortSignal | undefined;
}

export interface QueueProposalReturnType {
  readonly proposalId: ProposalId;
  /** When it may be executed, in seconds since the Unix epoch, by the chain. */
  readonly eta: number;
  /** The receipt of the transaction that this call has sent; null if another account was first. */
  readonly receipt: Receipt | null;
}

/**
 * Queues a proposal that has passed in the timelock, unless it is queued already.
 *
 * @throws {@link UnknownProposalError}; ProposalStateError if it has not passed; ContractRevertError; ChainError.
 * @example
 * const { eta } = await client.queueProposal({ proposalId });
 */
export async function queueProposal(
  client: ClientContext,
  { proposalId, signal }: QueueProposalParameters,
): Promise<QueueProposalReturnType> {
  const receipt = await advanceProposal(client, proposalId, {
    verb: "queue",
    participle: "queued",
    from: "Succeeded",
    after: ["Queued", "Executed"],
    signal,
  });
  const { chain } = client;
  const eta = await chain.read(() => chain.contracts.governor.proposalEta(proposalId, { blockTag: chain.tip }));
  return { proposalId, eta: Number(eta), receipt };
}

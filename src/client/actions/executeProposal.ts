import type { Receipt } from "../../ports/chain/index.js";
import { directiveId, type Hex } from "../../records/index.js";
import type { ClientContext } from "../client.js";
import { ProposalStateError } from "../errors.js";
import { advanceProposal } from "../proposals/advance.js";
import type { ProposalId } from "../proposals/proposal.js";
import { callsOf, directiveOf, findCreated } from "../proposals/readProposal.js";

export interface ExecuteProposalParameters {
  readonly proposalId: ProposalId;
  readonly signal?: AbortSignal | undefined;
}

export interface ExecuteProposalReturnType {
  readonly proposalId: ProposalId;
  /** The directive that it issues; null if it issues no directive. */
  readonly directiveId: Hex | null;
  /** The receipt of the transaction that this call has sent; null if another account was first. */
  readonly receipt: Receipt | null;
}

/**
 * Executes a queued proposal whose timelock has run out: its calls take effect and its directive is issued. Sends nothing if
 * another account was first.
 *
 * @throws {@link UnknownProposalError}; {@link ProposalStateError} if it is not queued or must still wait;
 * ContractRevertError with the reason if a call of the proposal fails; ChainError.
 * @example
 * const { directiveId } = await client.executeProposal({ proposalId });
 */
export async function executeProposal(
  client: ClientContext,
  { proposalId, signal }: ExecuteProposalParameters,
): Promise<ExecuteProposalReturnType> {
  const { chain } = client;
  const [eta, now] = await Promise.all([
    chain.read(() => chain.contracts.governor.proposalEta(proposalId, { blockTag: chain.tip })),
    chain.now(),
  ]);
  if (Number(eta) > now) {
    const hint = `Its timelock ends in ${Number(eta) - now} s.`;
    throw new ProposalStateError(proposalId, "Queued", "executed yet", [hint]);
  }
  const receipt = await advanceProposal(client, proposalId, {
    verb: "execute",
    participle: "executed",
    from: "Queued",
    after: ["Executed"],
    signal,
  });
  const directive = directiveOf(chain.addresses, callsOf(await findCreated(client, proposalId)));
  return { proposalId, directiveId: directive === null ? null : directiveId(directive), receipt };
}

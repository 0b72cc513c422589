import type { ClientContext } from "../client.js";
import { type BuiltProposal, composeProposal, type ProposalParameters } from "../proposals/composeProposal.js";

export type BuildProposalParameters = ProposalParameters;

/**
 * Builds the proposal of an order. A pure function: all nodes that see the same build the same proposal, with the same id.
 *
 * @throws InvalidRecordError if the order breaks its schema; InvalidInputError if there are too many records of evidence, or
 * keys are missing.
 * @example
 * const { proposalId, description } = buildProposal(client, {
 *   order: { kind: "Restart", replica: "web/3", instance: "5072@907997" },
 *   evidence: [incident.contentId],
 * });
 */
export function buildProposal(
  { chain }: { readonly chain: Pick<ClientContext["chain"], "addresses"> },
  parameters: BuildProposalParameters,
): BuiltProposal {
  return composeProposal(chain.addresses, parameters);
}

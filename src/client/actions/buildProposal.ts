import type { ClientContext } from "../client.js";
import { type BuiltProposal, composeProposal, type ProposalParameters } from "../proposals/composeProposal.js";

export type BuildProposalParameters = ProposalParameters;

/**
 * Makes a proposal of an order: a pure function, so that all nodes that see the same make the same, down to its id.
 *
 * @throws InvalidRecordError if the order breaks its schema; InvalidInputError if the evidence is too much or keys
 * are missing.
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

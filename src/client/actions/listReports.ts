import { NO_CONTENT } from "../../ports/chain/index.js";
import type { Address, ContentId, Hex } from "../../records/index.js";
import type { ClientContext } from "../client.js";
import { type DirectiveAttestation, type DirectiveReport, DirectiveReports } from "../directives/directive.js";
import { findIssued } from "../directives/readDirective.js";

/**
 * What the nodes said of a directive, in the order of the chain.
 *
 * @throws {@link UnknownDirectiveError}; ChainError.
 * @example
 * const done = (await client.listReports({ directiveId })).filter(({ report }) => report === "done");
 */
export async function listReports(
  client: ClientContext,
  { directiveId }: { readonly directiveId: Hex },
): Promise<DirectiveAttestation[]> {
  const { blockNumber: fromBlock } = await findIssued(client, directiveId);
  const events = await client.chain.events({ names: ["DirectiveReported"], topics: [directiveId], fromBlock });
  return events.map(({ args, transactionHash, blockNumber }) => ({
    node: args.node as Address,
    report: DirectiveReports[Number(args.report)] as DirectiveReport,
    outcome: args.outcome === NO_CONTENT ? null : (args.outcome as ContentId),
    transactionHash,
    blockNumber,
  }));
}

import { raceSignal } from "race-signal";
import { indicesOf } from "../../ports/chain/bitset.js";
import { NO_CONTENT } from "../../ports/chain/index.js";
import type { Address, ContentId, Hex } from "../../records/index.js";
import type { ClientContext } from "../client.js";
import { type DirectiveAttestation, type DirectiveReport, DirectiveReports } from "../directives/directive.js";
import { findIssued } from "../directives/readDirective.js";
import { agentOf } from "../nodes/membership.js";

export interface ListReportsParameters {
  readonly directiveId: Hex;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Lists the nodes' reports on a directive, in the order of the chain; reports that were counted together in the order of their
 * indices.
 *
 * @throws {@link UnknownDirectiveError}; ChainError.
 * @example
 * const done = (await client.listReports({ directiveId })).filter(({ report }) => report === "done");
 */
export async function listReports(
  client: ClientContext,
  { directiveId, signal }: ListReportsParameters,
): Promise<DirectiveAttestation[]> {
  return raceSignal(readReports(client, directiveId), signal);
}

async function readReports(client: ClientContext, directiveId: Hex): Promise<DirectiveAttestation[]> {
  const { chain, membership } = client;
  const { blockNumber: fromBlock } = await findIssued(client, directiveId);
  const names = ["DirectiveReported", "ReportsCounted"] as const;
  const events = await chain.events({ names, topics: [directiveId], fromBlock });
  const anyTogether = events.some(({ name }) => name === "ReportsCounted");
  const nodes = anyTogether ? await membership.read() : [];
  return events.flatMap((event) => {
    const { args, transactionHash, blockNumber } = event;
    const reporting =
      event.name === "DirectiveReported"
        ? [event.args.node as Address]
        : indicesOf(event.args.bits).map((index) => agentOf(nodes, index));
    return reporting.map((node) => ({
      node,
      report: DirectiveReports[Number(args.report)] as DirectiveReport,
      outcome: args.outcome === NO_CONTENT ? null : (args.outcome as ContentId),
      transactionHash,
      blockNumber,
    }));
  });
}

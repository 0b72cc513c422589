import { raceSignal } from "race-signal";
import { indicesOf } from "../../ports/chain/bitset.js";
import { NO_CONTENT } from "../../ports/chain/index.js";
import type { ContentId, Hex } from "../../records/index.js";
import type { ClientContext } from "../client.js";
import { type DirectiveAttestation, type DirectiveReport, DirectiveReports } from "../directives/directive.js";
import { findIssued } from "../directives/readDirective.js";
import { agentOf, indicesIn } from "../nodes/membership.js";

export interface ListReportsParameters {
  readonly directiveId: Hex;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Lists the nodes' reports on a directive, in the order of the chain; reports that were counted together in the order of their
 * indices. A report of an operator counts for its node as one of the agent does.
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
  const { args: issued, blockNumber: fromBlock } = await findIssued(client, directiveId);
  const names = ["DirectiveReported", "ReportsCounted"] as const;
  const events = await chain.events({ names, topics: [directiveId], fromBlock });
  const nodes = events.length === 0 ? [] : await membership.read();
  const indexOf = indicesIn(nodes, Number(issued.epoch));
  return events.flatMap((event) => {
    const { args, transactionHash, blockNumber } = event;
    const indices = event.name === "DirectiveReported" ? [indexOf(event.args.node)] : indicesOf(event.args.bits);
    return indices.map((index) => ({
      node: agentOf(nodes, index),
      report: DirectiveReports[Number(args.report)] as DirectiveReport,
      outcome: args.outcome === NO_CONTENT ? null : (args.outcome as ContentId),
      transactionHash,
      blockNumber,
    }));
  });
}

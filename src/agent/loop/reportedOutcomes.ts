import { type Client, WrongAuthorError } from "../../client/index.js";
import type { Address, ContentId, Outcome } from "../../records/index.js";
import { sameHex } from "../../utils/sameHex.js";
import { partOf, saysTheSame } from "../attestations/statement.js";
import type { NodeReport } from "./strategies/strategy.js";

/** An outcome, and the nodes that report it. */
export interface ReportedOutcome {
  readonly report: NodeReport["report"];
  readonly outcome: ContentId;
  readonly nodes: readonly Address[];
}

/** Keeps one report per node and part: reports on chain come before those that were only received. */
export function mergeReports(onChain: readonly NodeReport[], received: readonly NodeReport[]): readonly NodeReport[] {
  const merged = new Map<string, NodeReport>();
  for (const report of [...onChain, ...received]) {
    const key = `${report.node.toLowerCase()} ${partOf(report)}`;
    if (!merged.has(key)) merged.set(key, report);
  }
  return [...merged.values()];
}

/** The outcomes that nodes report, those that most report first. */
export function reportedOutcomes(reports: readonly NodeReport[]): readonly ReportedOutcome[] {
  const outcomes: (ReportedOutcome & { readonly nodes: Address[] })[] = [];
  for (const each of reports) {
    const { node, outcome, report } = each;
    if (outcome === null) continue;
    const known = outcomes.find((other) => saysTheSame(other, each));
    if (known === undefined) outcomes.push({ report, outcome, nodes: [node] });
    else known.nodes.push(node);
  }
  return outcomes.sort((a, b) => b.nodes.length - a.nodes.length);
}

/** Fetches the record of an outcome, whose author is one of the nodes that report it. */
export async function readOutcome(
  client: Pick<Client, "fetchRecord">,
  { nodes, outcome: contentId }: ReportedOutcome,
): Promise<Outcome> {
  const by = (author: Address | undefined) => client.fetchRecord({ contentId, author, kind: "Outcome" });
  try {
    return (await by(nodes[0])).value;
  } catch (error) {
    // Reports do not come in the order in which they were made: the first need not be its author's.
    const author =
      error instanceof WrongAuthorError
        ? error.found.find((each) => nodes.some((node) => sameHex(node, each)))
        : undefined;
    if (author === undefined) throw error;
    return (await by(author)).value;
  }
}

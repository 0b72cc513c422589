import type { Receipt } from "../../ports/chain/index.js";
import type { ContentId, Hex } from "../../records/index.js";
import type { ClientContext } from "../client.js";
import type { DirectiveReport } from "../directives/directive.js";
import { reportWords } from "../directives/report.js";
import { requireAccount } from "../transactions/requireAccount.js";
import { sendTransaction } from "../transactions/sendTransaction.js";

export interface ReportDirectiveParameters {
  readonly directiveId: Hex;
  readonly report: DirectiveReport;
  /** The `Outcome` record, for "done" and "failed". */
  readonly outcome?: ContentId | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Reports on chain how far the caller is with a directive: "ready" once it has what it needs, "done" or "failed" once it
 * has finished its part.
 *
 * @throws ContractRevertError, such as `DirectiveRegistryAlreadyReported`, `DirectiveRegistryNotActive` or
 * `DirectiveRegistryLapsed`; InvalidInputError if an outcome is missing or out of place; ChainError.
 * @example
 * await client.reportDirective({ directiveId, report: "done", outcome: outcome.contentId });
 */
export async function reportDirective(
  client: ClientContext,
  { directiveId, report, outcome, signal }: ReportDirectiveParameters,
): Promise<Receipt> {
  requireAccount(client);
  const words = reportWords(report, outcome);
  const { directives } = client.chain.contracts;
  return sendTransaction(client, () => directives.report(directiveId, words.report, words.outcome), signal);
}

import { InvalidInputError } from "../../errors.js";
import { NO_CONTENT, type Receipt } from "../../ports/chain/index.js";
import type { ContentId, Hex } from "../../records/index.js";
import type { ClientContext } from "../client.js";
import { type DirectiveReport, DirectiveReports } from "../directives/directive.js";
import { requireAccount } from "../requireAccount.js";

export interface ReportDirectiveParameters {
  readonly directiveId: Hex;
  readonly report: DirectiveReport;
  /** The `Outcome` record, for "done" and "failed". */
  readonly outcome?: ContentId | undefined;
}

/**
 * Says on chain how the caller stands with a directive: "ready" once it has what it needs, "done" or "failed" once it
 * has ended its part.
 *
 * @throws ContractRevertError, such as `DirectiveRegistryAlreadyReported`, `DirectiveRegistryNotActive` or
 * `DirectiveRegistryLapsed`; {@link InvalidInputError} where an outcome is missing or out of place; ChainError.
 * @example
 * await client.reportDirective({ directiveId, report: "done", outcome: outcome.contentId });
 */
export async function reportDirective(
  client: ClientContext,
  { directiveId, report, outcome }: ReportDirectiveParameters,
): Promise<Receipt> {
  requireAccount(client);
  const number = DirectiveReports.indexOf(report);
  if (number < 1) throw new InvalidInputError(`A report is "ready", "done" or "failed", not "${report}".`);
  if ((report === "ready") !== (outcome === undefined)) {
    throw new InvalidInputError(`A report "${report}" ${report === "ready" ? "has no" : "needs an"} outcome.`);
  }
  const { directives } = client.chain.contracts;
  return client.chain.send(() => directives.report(directiveId, number, outcome ?? NO_CONTENT));
}

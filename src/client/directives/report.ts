import { InvalidInputError } from "../../errors.js";
import { NO_CONTENT } from "../../ports/chain/index.js";
import type { ContentId } from "../../records/index.js";
import { type DirectiveReport, DirectiveReports } from "./directive.js";

/** A report as the contract's function expects it: its number, and the outcome that it cites, zero for "ready". */
export interface ReportWords {
  readonly report: number;
  readonly outcome: ContentId;
}

/** @throws {@link InvalidInputError} on an unknown report, or if an outcome is missing, or given for "ready". */
export function reportWords(report: DirectiveReport, outcome: ContentId | null | undefined): ReportWords {
  const number = DirectiveReports.indexOf(report);
  if (number < 1) throw new InvalidInputError(`A report is "ready", "done" or "failed", not "${report}".`);
  const cited = outcome ?? NO_CONTENT;
  if ((report === "ready") !== (cited === NO_CONTENT)) {
    throw new InvalidInputError(`A report "${report}" ${report === "ready" ? "has no" : "needs an"} outcome.`);
  }
  return { report: number, outcome: cited };
}

import type { NodeAttestation } from "../../client/index.js";
import type { Report } from "../../policy/index.js";
import type { ContentId, Hex } from "../../records/index.js";

/** What a node says of a directive. */
export interface Statement {
  readonly directiveId: Hex;
  readonly report: Report;
  /** The `Outcome` record; null for "ready". */
  readonly outcome: ContentId | null;
}

/** A statement that a node has signed. */
export interface Attestation extends Statement, NodeAttestation {}

/** A node says of a directive that it is ready, once, and how it has ended, once. */
export type Part = "ready" | "end";

export function partOf({ report }: Pick<Statement, "report">): Part {
  return report === "ready" ? "ready" : "end";
}

/** Whether two statements on one directive say the same. */
export function saysTheSame(
  one: Pick<Statement, "report" | "outcome">,
  other: Pick<Statement, "report" | "outcome">,
): boolean {
  return one.report === other.report && one.outcome === other.outcome;
}

/** Equal for statements on one directive that say the same. */
export function sideOf({ outcome, report }: Pick<Statement, "report" | "outcome">): string {
  return `${report} ${outcome}`;
}

import { type NodeSummary, Supports } from "../../client/index.js";
import type { Incident } from "../../records/index.js";
import { decodeBallot, encodeBallot } from "./message.js";
import type { Equivocation } from "./pool.js";

/**
 * The incident of a node that signed two different ballots on one proposal: it holds both, so that anybody can verify it. A
 * function of the two alone, so that every observer, in whatever order it saw them, writes the same record.
 */
export function equivocationIncident({ first, second }: Equivocation, { index, operator }: NodeSummary): Incident {
  const [lower, upper] = [first, second].sort((a, b) => Supports.indexOf(a.support) - Supports.indexOf(b.support));
  const textOf = (ballot: typeof lower) =>
    ballot === undefined ? "" : Buffer.from(encodeBallot(ballot)).toString("base64");
  return {
    schema: "witan/incident/1",
    kind: "equivocation",
    severity: "high",
    subject: `node/${index}`,
    observed: { operator, proposal: first.proposalId, first: textOf(lower), second: textOf(upper) },
    detection: { probe: "ballots" },
    resolution: null,
  };
}

/** The two ballots that an incident says one node has signed; undefined if it is not of that kind. */
export function ballotsOf({ kind, subject, observed }: Incident): Equivocation | undefined {
  const { first, second } = observed;
  if (kind !== "equivocation" || typeof first !== "string" || typeof second !== "string") return undefined;
  const [a, b] = [first, second].map((text) => decodeBallot(Buffer.from(text, "base64")));
  if (a === undefined || b === undefined || a.support === b.support) return undefined;
  const alike = a.index === b.index && a.proposalId === b.proposalId && subject === `node/${a.index}`;
  return alike ? { first: a, second: b } : undefined;
}

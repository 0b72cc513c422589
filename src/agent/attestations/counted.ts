import type { DirectiveAttestation } from "../../client/index.js";
import type { Address } from "../../records/index.js";
import { partOf, type Statement, sideOf } from "./statement.js";

/** What nodes have reported of a directive on chain. */
export class CountedReports {
  readonly #said = new Set<string>();
  readonly #ended = new Set<string>();
  readonly #sides = new Map<string, number>();

  constructor(reports: readonly DirectiveAttestation[]) {
    for (const report of reports) {
      const operator = report.node.toLowerCase();
      this.#said.add(`${operator} ${partOf(report)}`);
      if (partOf(report) === "end") this.#ended.add(operator);
      const side = sideOf(report);
      this.#sides.set(side, (this.#sides.get(side) ?? 0) + 1);
    }
  }

  /** Whether the registry refuses such a report of a node: after its end, a node is not asked whether it is ready. */
  has(operator: Address, statement: Pick<Statement, "report">): boolean {
    const lower = operator.toLowerCase();
    return this.#ended.has(lower) || this.#said.has(`${lower} ${partOf(statement)}`);
  }

  /** How many nodes have said the same. */
  of(statement: Pick<Statement, "report" | "outcome">): number {
    return this.#sides.get(sideOf(statement)) ?? 0;
  }

  /** Whether any node has ended its part. */
  get anyEnded(): boolean {
    return this.#ended.size > 0;
  }
}

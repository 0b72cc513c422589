import type { DirectiveAttestation } from "../../client/index.js";
import type { Address } from "../../records/index.js";
import { partOf, type Statement, sideOf } from "./statement.js";

/** What the nodes have said of a directive on chain. */
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

  /** Whether the registry takes no such report of a node any more: who has ended its part is not asked if it is ready. */
  has(operator: Address, statement: Pick<Statement, "report">): boolean {
    const lower = operator.toLowerCase();
    return this.#ended.has(lower) || this.#said.has(`${lower} ${partOf(statement)}`);
  }

  /** How many have said the very same. */
  of(statement: Pick<Statement, "report" | "outcome">): number {
    return this.#sides.get(sideOf(statement)) ?? 0;
  }

  /** Whether anybody has ended its part. */
  get anyEnded(): boolean {
    return this.#ended.size > 0;
  }
}

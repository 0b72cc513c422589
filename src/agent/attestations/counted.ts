import type { DirectiveAttestation } from "../../client/index.js";
import type { Address } from "../../records/index.js";
import { partOf, type Statement, sideOf } from "./statement.js";

type Said = Pick<Statement, "report" | "outcome">;

/** What nodes have reported of a directive on chain. */
export class CountedReports {
  readonly #said = new Set<string>();
  readonly #ended = new Set<string>();
  readonly #sides = new Map<string, { readonly statement: Said; readonly accounts: string[] }>();

  constructor(reports: readonly DirectiveAttestation[]) {
    for (const report of reports) {
      const account = report.node.toLowerCase();
      this.#said.add(`${account} ${partOf(report)}`);
      if (partOf(report) === "end") this.#ended.add(account);
      const side = this.#sides.get(sideOf(report)) ?? { statement: report, accounts: [] };
      this.#sides.set(sideOf(report), side);
      side.accounts.push(account);
    }
  }

  /** Whether the registry refuses such a report of a node: after its end, a node is not asked whether it is ready. */
  has(account: Address, statement: Pick<Statement, "report">): boolean {
    const lower = account.toLowerCase();
    return this.#ended.has(lower) || this.#said.has(`${lower} ${partOf(statement)}`);
  }

  /** How many nodes have said the same, without those of these accounts, in lower case. */
  of(statement: Said, except: ReadonlySet<string> = new Set()): number {
    const accounts = this.#sides.get(sideOf(statement))?.accounts ?? [];
    return accounts.filter((account) => !except.has(account)).length;
  }

  /** What nodes have said of the end, each once. */
  get ends(): readonly Said[] {
    return [...this.#sides.values()].map(({ statement }) => statement).filter((each) => partOf(each) === "end");
  }

  /** Whether any node has ended its part. */
  get anyEnded(): boolean {
    return this.#ended.size > 0;
  }
}

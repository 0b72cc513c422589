import { BaseError } from "../../errors.js";
import { type Part, partOf, type Statement, saysTheSame } from "../attestations/statement.js";
import { SigningJournal } from "./signingJournal.js";

/** An attempt to say something else of a directive than what this node has said. */
export class AttestedOtherwiseError extends BaseError {
  constructor(recorded: Statement, wanted: Statement) {
    super(
      "attested-otherwise",
      `This node already attested ${recorded.report} on directive ${recorded.directiveId}; it will not sign ${wanted.report}.`,
      { details: `Its outcome is ${recorded.outcome}, and not ${wanted.outcome}.` },
    );
  }
}

/** What this node says of directives: on the disk before it is signed, and one thing of each part, across crashes too. */
export class OwnStatements {
  readonly #ledger: SigningJournal<Statement>;

  private constructor(ledger: SigningJournal<Statement>) {
    this.#ledger = ledger;
  }

  static async open(path: string): Promise<OwnStatements> {
    const ledger = await SigningJournal.open<Statement>(path, {
      keyOf: (statement) => keyOf(statement.directiveId, partOf(statement)),
      alike: saysTheSame,
      refusal: (recorded, wanted) => new AttestedOtherwiseError(recorded, wanted),
    });
    return new OwnStatements(ledger);
  }

  get(directiveId: string, part: Part): Statement | undefined {
    return this.#ledger.get(keyOf(directiveId, part));
  }

  /** Resolves when the statement is durable. Throws {@link AttestedOtherwiseError} where another one is recorded. */
  record({ directiveId, outcome, report }: Statement): Promise<Statement> {
    return this.#ledger.record({ directiveId, report, outcome });
  }

  close(): Promise<void> {
    return this.#ledger.close();
  }
}

function keyOf(directiveId: string, part: Part): string {
  return `${directiveId} ${part}`;
}

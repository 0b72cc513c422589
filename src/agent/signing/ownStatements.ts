import { BaseError } from "../../errors.js";
import { type Part, partOf, type Statement, saysTheSame } from "../attestations/statement.js";
import { SigningJournal } from "./signingJournal.js";

/** An attempt to record a statement that contradicts the one already recorded. */
export class AttestedOtherwiseError extends BaseError {
  constructor(recorded: Statement, wanted: Statement) {
    super(
      "attested-otherwise",
      `This node already attested ${recorded.report} on directive ${recorded.directiveId}; it will not sign ${wanted.report}.`,
      { details: `Its outcome is ${recorded.outcome}, and not ${wanted.outcome}.` },
    );
  }
}

/** This node's statements on directives: on disk before they are signed, and at most one for each part, across crashes too. */
export class OwnStatements {
  readonly #journal: SigningJournal<Statement>;

  private constructor(journal: SigningJournal<Statement>) {
    this.#journal = journal;
  }

  static async open(path: string): Promise<OwnStatements> {
    const journal = await SigningJournal.open<Statement>(path, {
      keyOf: (statement) => keyOf(statement.directiveId, partOf(statement)),
      alike: saysTheSame,
      refusal: (recorded, wanted) => new AttestedOtherwiseError(recorded, wanted),
    });
    return new OwnStatements(journal);
  }

  /** How many are durable. */
  get size(): number {
    return this.#journal.size;
  }

  get(directiveId: string, part: Part): Statement | undefined {
    return this.#journal.get(keyOf(directiveId, part));
  }

  /** Resolves when the statement is durable. Throws {@link AttestedOtherwiseError} if another one is recorded. */
  record({ directiveId, outcome, report }: Statement): Promise<Statement> {
    return this.#journal.record({ directiveId, report, outcome });
  }

  close(): Promise<void> {
    return this.#journal.close();
  }
}

function keyOf(directiveId: string, part: Part): string {
  return `${directiveId} ${part}`;
}

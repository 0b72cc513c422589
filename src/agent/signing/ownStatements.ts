import { z } from "zod";
import { BaseError } from "../../errors.js";
import { type Part, partOf, type Statement, saysTheSame } from "../attestations/statement.js";
import { type JournalCare, SigningJournal } from "./signingJournal.js";

const recordedStatement = z.object({
  directiveId: z.string(),
  report: z.enum(["ready", "done", "failed"]),
  outcome: z.string().nullable(),
});

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

  /** A damaged journal is opened too, and refuses what is new. @throws {@link DiskError} */
  static async open(path: string, care: JournalCare = {}): Promise<OwnStatements> {
    const journal = await SigningJournal.open<Statement>(path, {
      keyOf: (statement) => keyOf(statement.directiveId, partOf(statement)),
      alike: saysTheSame,
      refusal: (recorded, wanted) => new AttestedOtherwiseError(recorded, wanted),
      parse: (value) => recordedStatement.parse(value) as Statement,
      ...care,
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

  /**
   * Resolves when the statement is durable. Throws {@link AttestedOtherwiseError} if another one is recorded.
   *
   * @throws {@link SigningRefusedError}, {@link DiskError}
   */
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

import { z } from "zod";
import { BaseError } from "../../errors.js";
import { type Support, Supports } from "../../records/index.js";
import { type JournalCare, SigningJournal } from "./signingJournal.js";

const recordedBallot = z.object({ proposalId: z.string(), support: z.enum(Supports), reason: z.string() });

/** A node's decision on a proposal, as it was recorded before it was signed. */
export interface RecordedBallot {
  readonly proposalId: string;
  readonly support: Support;
  readonly reason: string;
}

/** An attempt to record a ballot that differs from the one already recorded: signing it would be an equivocation. */
export class EquivocationError extends BaseError {
  constructor(recorded: RecordedBallot, wanted: RecordedBallot) {
    super(
      "equivocation",
      `This node already decided ${recorded.support} on proposal ${recorded.proposalId}; it will not sign ${wanted.support}.`,
    );
  }
}

/** This node's decisions: on disk before they are signed, and at most one for a proposal, across crashes too. */
export class OwnBallots {
  readonly #journal: SigningJournal<RecordedBallot>;

  private constructor(journal: SigningJournal<RecordedBallot>) {
    this.#journal = journal;
  }

  /** A damaged journal is opened too, and refuses what is new. @throws {@link DiskError} */
  static async open(path: string, care: JournalCare = {}): Promise<OwnBallots> {
    const journal = await SigningJournal.open<RecordedBallot>(path, {
      keyOf: ({ proposalId }) => proposalId,
      alike: (recorded, { support }) => recorded.support === support,
      refusal: (recorded, wanted) => new EquivocationError(recorded, wanted),
      parse: (value) => recordedBallot.parse(value),
      ...care,
    });
    return new OwnBallots(journal);
  }

  /** How many are durable. */
  get size(): number {
    return this.#journal.size;
  }

  /** The ballot recorded for a proposal. */
  get(proposalId: string): RecordedBallot | undefined {
    return this.#journal.get(proposalId);
  }

  /**
   * Resolves when the ballot is durable. Throws {@link EquivocationError} if another support is recorded.
   *
   * @throws {@link SigningRefusedError}, {@link DiskError}
   */
  record(ballot: RecordedBallot): Promise<RecordedBallot> {
    return this.#journal.record(ballot);
  }

  close(): Promise<void> {
    return this.#journal.close();
  }
}

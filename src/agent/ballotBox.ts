import { BaseError } from "../errors.js";
import type { Support } from "../policy/index.js";
import { Journal } from "../utils/journal.js";

/** A node's decision on a proposal, as it was written before it was signed. */
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

/**
 * Check and record before signing: a ballot is on the disk before its signature exists, and there is only ever one for
 * a proposal, across crashes too.
 */
export class BallotBox {
  readonly #journal: Journal<RecordedBallot>;
  readonly #ballots: Map<string, { readonly ballot: RecordedBallot; readonly durable: Promise<void> }>;

  private constructor(journal: Journal<RecordedBallot>, ballots: readonly RecordedBallot[]) {
    this.#journal = journal;
    this.#ballots = new Map(ballots.map((ballot) => [ballot.proposalId, { ballot, durable: Promise.resolve() }]));
  }

  static async open(path: string): Promise<BallotBox> {
    const { journal, entries } = await Journal.open<RecordedBallot>(path);
    return new BallotBox(journal, entries);
  }

  /** The ballot recorded for a proposal. */
  get(proposalId: string): RecordedBallot | undefined {
    return this.#ballots.get(proposalId)?.ballot;
  }

  /** Resolves when the ballot is durable. Throws {@link EquivocationError} where another support is recorded. */
  async record(ballot: RecordedBallot): Promise<RecordedBallot> {
    const recorded = this.#ballots.get(ballot.proposalId);
    if (recorded && recorded.ballot.support !== ballot.support) throw new EquivocationError(recorded.ballot, ballot);
    const entry = recorded ?? { ballot, durable: this.#journal.append(ballot) };
    this.#ballots.set(ballot.proposalId, entry);
    try {
      await entry.durable;
    } catch (error) {
      // Not durable, so not decided: what may have reached the disk is the same ballot or a torn line.
      this.#ballots.delete(ballot.proposalId);
      throw error;
    }
    return entry.ballot;
  }

  close(): Promise<void> {
    return this.#journal.close();
  }
}

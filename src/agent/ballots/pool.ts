import type { NodeBallot, ProposalId } from "../../client/index.js";
import type { Clock } from "../../utils/clock.js";
import { type Contradiction, MessagePool, type PooledMessage } from "../aggregation/pool.js";
import { BallotFiles, type BallotFilesDependencies } from "./ballotFiles.js";

/** Two different ballots of one node on one proposal, both signed by it: only the node itself can have made them. */
export type Equivocation = Contradiction<NodeBallot>;

export interface BallotPoolDependencies extends BallotFilesDependencies {
  readonly clock: Pick<Clock, "after" | "monotonic">;
}

/**
 * The verified ballots that a node knows, on disk too. If a node signs two different ones, the first counts here, and both
 * are kept as evidence.
 */
export class BallotPool {
  readonly #messages: MessagePool<Pick<NodeBallot, "proposalId" | "index">, NodeBallot>;
  readonly #files: BallotFiles;
  readonly #restored: NodeBallot[];
  #closed = false;

  private constructor({ clock }: BallotPoolDependencies, files: BallotFiles, restored: NodeBallot[]) {
    this.#messages = new MessagePool({
      clock,
      subjectOf: ({ proposalId }) => proposalId,
      keyOf: ({ index }) => index,
      saysTheSame: (one, other) => one.support === other.support,
    });
    this.#files = files;
    this.#restored = restored;
  }

  /**
   * Opens the pool and reads what is on disk; those ballots are not in the pool until they are verified again.
   *
   * @throws JournalError if a file was changed by something else.
   */
  static async open(dependencies: BallotPoolDependencies): Promise<BallotPool> {
    const { ballots, files } = await BallotFiles.open(dependencies);
    return new BallotPool(dependencies, files, ballots);
  }

  /** What was on disk when the pool was opened; empty from the second call on. */
  takeRestored(): NodeBallot[] {
    return this.#restored.splice(0);
  }

  get proposals(): readonly ProposalId[] {
    return [...new Set([...this.#messages.subjects, ...this.#files.proposals])];
  }

  get(proposalId: ProposalId, index: number): NodeBallot | undefined {
    return this.#messages.get({ proposalId, index });
  }

  /** All ballots on a proposal, in the order in which they came. */
  list(proposalId: ProposalId): readonly PooledMessage<NodeBallot>[] {
    return this.#messages.list(proposalId);
  }

  equivocationOf(proposalId: ProposalId, index: number): Equivocation | undefined {
    return this.#messages.contradictionOf({ proposalId, index });
  }

  /** In how many of these proposals a node has a ballot. */
  countOf(index: number, isCounted: (proposalId: ProposalId) => boolean): number {
    return this.#messages.subjects.filter((id) => this.get(id, index) !== undefined && isCounted(id)).length;
  }

  /** Keeps a ballot that was verified. A known one changes nothing, and nothing changes once the pool is closed. */
  add(ballot: NodeBallot): "new" | "known" | "equivocation" {
    const added = this.#closed ? "known" : this.#messages.add(ballot);
    if (added === "known") return added;
    this.#files.add(ballot);
    return added === "new" ? added : "equivocation";
  }

  /** Forgets one ballot, such as one that spoils an aggregate after all. */
  forget(proposalId: ProposalId, index: number): void {
    this.#messages.forget({ proposalId, index });
  }

  /** Forgets a proposal whose vote has ended. */
  async drop(proposalId: ProposalId): Promise<void> {
    this.#messages.drop(proposalId);
    await this.#files.drop(proposalId);
  }

  /** Resolves when all ballots have been written. */
  async flush(): Promise<void> {
    await this.#files.flush();
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#files.close();
    this.#messages.clear();
  }
}

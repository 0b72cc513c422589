import { mkdir, readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import PQueue from "p-queue";
import type { NodeBallot, ProposalId } from "../../client/index.js";
import { Journal } from "../../utils/journal.js";
import { decodeBallot, encodeBallot } from "./message.js";

/** Ballots that came from others are written together: one that a crash takes is sent again by its voter. */
const WRITE_EVERY_MS = 250;
const EXTENSION = ".jsonl";

/** Two different ballots of one node on one proposal, both signed by it: nobody but the node itself can have made them. */
export interface Equivocation {
  readonly first: NodeBallot;
  readonly second: NodeBallot;
}

export interface BallotPoolParameters {
  readonly dir: string;
  /** Milliseconds. */
  readonly now: () => number;
  /** Told of what could not be written; it is kept, and written with what comes next. */
  readonly onError: (error: unknown) => void;
}

interface Box {
  readonly ballots: Map<number, NodeBallot>;
  readonly equivocations: Map<number, Equivocation>;
  /** When the ballot in {@link ballots} was known, in milliseconds. */
  readonly since: Map<number, number>;
  /** What is on disk or on its way there, so that it is not written again. */
  readonly texts: Set<string>;
  readonly unwritten: string[];
  journal: Journal<readonly string[]> | undefined;
}

/**
 * The ballots that a node knows and has verified, on disk too: one file a proposal, which goes when its vote has ended.
 * Of a node that signs two different ones the first counts here, and both are kept as evidence.
 */
export class BallotPool {
  readonly #dir: string;
  readonly #now: () => number;
  readonly #boxes = new Map<ProposalId, Box>();
  readonly #onError: (error: unknown) => void;
  readonly #restored: NodeBallot[] = [];
  #timer: ReturnType<typeof setTimeout> | undefined;
  /** Nothing else is done with the files meanwhile. */
  readonly #queue = new PQueue({ concurrency: 1 });
  #closed = false;

  private constructor({ dir, now, onError }: BallotPoolParameters) {
    this.#dir = dir;
    this.#now = now;
    this.#onError = onError;
  }

  /**
   * Opens the pool and reads what is on disk; those ballots are in no box until they are verified again.
   *
   * @throws JournalError where a file was changed by something else.
   */
  static async open(parameters: BallotPoolParameters): Promise<BallotPool> {
    const pool = new BallotPool(parameters);
    await mkdir(parameters.dir, { recursive: true });
    for (const name of await readdir(parameters.dir)) {
      if (name.endsWith(EXTENSION)) await pool.#restore(name.slice(0, -EXTENSION.length));
    }
    return pool;
  }

  /** What was on disk when the pool was opened, once. */
  takeRestored(): NodeBallot[] {
    return this.#restored.splice(0);
  }

  get proposals(): readonly ProposalId[] {
    return [...this.#boxes.keys()];
  }

  get(proposalId: ProposalId, index: number): NodeBallot | undefined {
    return this.#boxes.get(proposalId)?.ballots.get(index);
  }

  /** All on a proposal, each with the moment since which it is known. */
  list(proposalId: ProposalId): { readonly ballot: NodeBallot; readonly since: number }[] {
    const box = this.#boxes.get(proposalId);
    return [...(box?.ballots.values() ?? [])].map((ballot) => ({ ballot, since: box?.since.get(ballot.index) ?? 0 }));
  }

  equivocationOf(proposalId: ProposalId, index: number): Equivocation | undefined {
    return this.#boxes.get(proposalId)?.equivocations.get(index);
  }

  /** In how many of these proposals a node has a ballot. */
  countOf(index: number, isCounted: (proposalId: ProposalId) => boolean): number {
    return [...this.#boxes].filter(([id, { ballots }]) => ballots.has(index) && isCounted(id)).length;
  }

  /** Keeps a ballot that was verified. What is known already changes nothing, and nothing does once the pool is closed. */
  add(ballot: NodeBallot): "new" | "known" | "equivocation" {
    if (this.#closed) return "known";
    const box = this.#box(ballot.proposalId);
    const first = box.ballots.get(ballot.index);
    if (first?.support === ballot.support) return "known";
    if (first === undefined) {
      box.ballots.set(ballot.index, ballot);
      box.since.set(ballot.index, this.#now());
    } else {
      if (box.equivocations.has(ballot.index)) return "known";
      box.equivocations.set(ballot.index, { first, second: ballot });
    }
    const text = Buffer.from(encodeBallot(ballot)).toString("base64");
    if (!box.texts.has(text)) box.unwritten.push(text);
    box.texts.add(text);
    this.#timer ??= setTimeout(() => void this.flush(), WRITE_EVERY_MS);
    return first === undefined ? "new" : "equivocation";
  }

  /** Forgets one ballot, such as one that spoils an aggregate after all. */
  forget(proposalId: ProposalId, index: number): void {
    this.#boxes.get(proposalId)?.ballots.delete(index);
  }

  /** Forgets a proposal whose vote has ended. */
  async drop(proposalId: ProposalId): Promise<void> {
    const box = this.#boxes.get(proposalId);
    this.#boxes.delete(proposalId);
    await this.#queue.add(async () => {
      await box?.journal?.close();
      await rm(this.#pathOf(proposalId), { force: true });
    });
  }

  /** Resolves when all that it holds has been written. */
  async flush(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    await this.#queue.add(() => this.#write().catch(this.#onError));
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.flush();
    for (const { journal } of this.#boxes.values()) await journal?.close();
    this.#boxes.clear();
  }

  async #write(): Promise<void> {
    for (const [proposalId, box] of this.#boxes) {
      const texts = box.unwritten.splice(0);
      if (texts.length === 0) continue;
      try {
        box.journal ??= (await Journal.open<readonly string[]>(this.#pathOf(proposalId))).journal;
        await box.journal.append(texts);
      } catch (error) {
        this.#onError(error);
        box.unwritten.unshift(...texts);
        // Opened again, the file is without what was written in part.
        const { journal } = box;
        box.journal = undefined;
        await journal?.close();
      }
    }
  }

  async #restore(proposalId: ProposalId): Promise<void> {
    const { journal, entries } = await Journal.open<readonly string[]>(this.#pathOf(proposalId));
    const box = { ...emptyBox(), journal };
    this.#boxes.set(proposalId, box);
    for (const text of entries.flat()) {
      const ballot = decodeBallot(Buffer.from(text, "base64"));
      if (ballot === undefined) continue;
      this.#restored.push(ballot);
      box.texts.add(text);
    }
  }

  #box(proposalId: ProposalId): Box {
    const box = this.#boxes.get(proposalId) ?? emptyBox();
    this.#boxes.set(proposalId, box);
    return box;
  }

  #pathOf(proposalId: ProposalId): string {
    return join(this.#dir, `${proposalId}${EXTENSION}`);
  }
}

function emptyBox(): Box {
  return {
    ballots: new Map(),
    equivocations: new Map(),
    since: new Map(),
    texts: new Set(),
    unwritten: [],
    journal: undefined,
  };
}

import { mkdir, readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import PQueue from "p-queue";
import { z } from "zod";
import type { NodeBallot, ProposalId } from "../../client/index.js";
import type { Clock } from "../../utils/clock.js";
import { Journal } from "../../utils/journal.js";
import { decodeBallot, encodeBallot } from "./message.js";

/** Other nodes' ballots are written together: one that a crash loses is sent again by its voter. */
const WRITE_EVERY_MS = 250;
const EXTENSION = ".jsonl";
/** A file of a proposal; others in the folder are not ours. */
const FILE_NAME = /^(\d{1,78})\.jsonl$/;

export interface BallotFilesDependencies {
  readonly dir: string;
  readonly clock: Pick<Clock, "after">;
  /** Called when ballots could not be written; they are kept, and written with the next ones. */
  readonly onError: (error: unknown) => void;
}

interface BallotFile {
  /** What is on disk or on its way there, so that it is not written again. */
  readonly texts: Set<string>;
  readonly unwritten: string[];
  journal: Journal<readonly string[]> | undefined;
}

function parseTexts(value: unknown): readonly string[] {
  return z.array(z.string()).parse(value);
}

/** Verified ballots on disk: one file a proposal, which is deleted when its vote has ended. */
export class BallotFiles {
  readonly #dependencies: BallotFilesDependencies;
  readonly #files = new Map<ProposalId, BallotFile>();
  /** One operation on the files at a time. */
  readonly #queue = new PQueue({ concurrency: 1 });
  #cancelWrite: (() => void) | undefined;

  private constructor(dependencies: BallotFilesDependencies) {
    this.#dependencies = dependencies;
  }

  /**
   * Reads the ballots on disk. They are to be verified again.
   *
   * @throws {@link DiskError} if the folder cannot be read.
   */
  static async open(dependencies: BallotFilesDependencies): Promise<{ files: BallotFiles; ballots: NodeBallot[] }> {
    const { dir } = dependencies;
    const files = new BallotFiles(dependencies);
    const ballots: NodeBallot[] = [];
    await mkdir(dir, { recursive: true });
    for (const name of await readdir(dir)) {
      const [, proposalId] = FILE_NAME.exec(name) ?? [];
      if (proposalId === undefined) continue;
      try {
        ballots.push(...(await files.#restore(proposalId)));
      } catch (error) {
        // One that cannot be opened, such as a folder of that name, costs the ballots that it holds: others send them again.
        dependencies.onError(error);
      }
    }
    return { files, ballots };
  }

  get proposals(): readonly ProposalId[] {
    return [...this.#files.keys()];
  }

  /** Writes a ballot a moment later, unless it is on disk already. */
  add(ballot: NodeBallot): void {
    const file = this.#files.get(ballot.proposalId) ?? { texts: new Set(), unwritten: [], journal: undefined };
    this.#files.set(ballot.proposalId, file);
    const text = Buffer.from(encodeBallot(ballot)).toString("base64");
    if (!file.texts.has(text)) file.unwritten.push(text);
    file.texts.add(text);
    this.#cancelWrite ??= this.#dependencies.clock.after(WRITE_EVERY_MS, () => void this.flush());
  }

  /** Deletes the file of a proposal. */
  async drop(proposalId: ProposalId): Promise<void> {
    const file = this.#files.get(proposalId);
    this.#files.delete(proposalId);
    await this.#queue.add(async () => {
      await file?.journal?.close();
      await rm(this.#pathOf(proposalId), { force: true });
      await rm(`${this.#pathOf(proposalId)}.damaged`, { force: true });
    });
  }

  /** Resolves when all ballots have been written. */
  async flush(): Promise<void> {
    this.#cancelWrite?.();
    this.#cancelWrite = undefined;
    await this.#queue.add(() => this.#write().catch(this.#dependencies.onError));
  }

  async close(): Promise<void> {
    await this.flush();
    for (const { journal } of this.#files.values()) await journal?.close();
    this.#files.clear();
  }

  async #write(): Promise<void> {
    for (const [proposalId, file] of this.#files) {
      const texts = file.unwritten.splice(0);
      if (texts.length === 0) continue;
      try {
        file.journal ??= (await Journal.openOrSalvage(this.#pathOf(proposalId), parseTexts)).journal;
        await file.journal.append(texts);
      } catch (error) {
        this.#dependencies.onError(error);
        file.unwritten.unshift(...texts);
        // Opening the file again removes what was written in part.
        const { journal } = file;
        file.journal = undefined;
        await journal?.close();
      }
    }
  }

  async #restore(proposalId: ProposalId): Promise<NodeBallot[]> {
    const opened = await Journal.openOrSalvage(this.#pathOf(proposalId), parseTexts);
    const { damage, entries, journal } = opened;
    // Other nodes have these ballots too, and send them again.
    if (damage !== undefined) this.#dependencies.onError(damage);
    const texts = new Set(entries.flat());
    this.#files.set(proposalId, { texts, unwritten: [], journal });
    return [...texts].flatMap((text) => decodeBallot(Buffer.from(text, "base64")) ?? []);
  }

  #pathOf(proposalId: ProposalId): string {
    return join(this.#dependencies.dir, `${proposalId}${EXTENSION}`);
  }
}

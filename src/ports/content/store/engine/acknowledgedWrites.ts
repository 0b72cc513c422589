import { type FileHandle, open, readFile, rename, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import PQueue from "p-queue";
import { z } from "zod";
import { codeOf } from "../storeErrors.js";
import type { DatabaseChange, Remembered } from "./change.js";

const lineSchema = z.strictObject({
  /** The number of the write. */
  n: z.int().positive(),
  /** Keys that were put, whose values are in the database alone. */
  keys: z.array(z.string()),
  /** Keys that were put, with their values in base64, or removed. */
  values: z.record(z.string(), z.string().nullable()),
});
type Line = z.output<typeof lineSchema>;

/** What the database has lost of what it acknowledged last. */
export interface LostWrites {
  /** How many writes. */
  readonly writes: number;
  /** The keys that were put, without their values. */
  readonly keys: readonly string[];
  /** Changes that can be made again. */
  readonly changes: readonly DatabaseChange[];
}

/** Two of the engine's buffers of 8 MiB, which are all that is in its logs: what is older is in tables. */
const COVERED_BYTES = 16 * 1024 * 1024;

/**
 * The last writes that a database has acknowledged, by number and name, in a file beside it: LevelDB takes a log that was cut
 * for one that ends there, so that the last writes would be missing and nobody would know.
 *
 * A line is written once the database has synced the write, and is not synced itself: after a kill or a power cut the file may say
 * less than the database holds, and never more. A line that cannot be written costs what it says, and not the write.
 */
export class AcknowledgedWrites {
  readonly #path: string;
  readonly #remember: (key: string) => Remembered;
  readonly #notes = new PQueue({ concurrency: 1 });
  #file: FileHandle | undefined;
  #number = 0;
  /** Bytes of the writes whose lines are in the newest file. */
  #covered = 0;
  /** Whether a line may have been written in part. */
  #isTorn = false;

  /** @param path That of the database. */
  constructor(path: string, remember: (key: string) => Remembered) {
    this.#path = join(dirname(path), "last-writes");
    this.#remember = remember;
  }

  /**
   * Compares with the number of the last write that the database holds, 0 if it holds none. To be called once, before the
   * first write.
   */
  async lostSince(number: number): Promise<LostWrites | undefined> {
    const lines = [...(await readLines(this.#before)), ...(await readLines(this.#path))].filter(({ n }) => n > number);
    const last = lines.at(-1);
    this.#number = Math.max(number, last?.n ?? 0);
    if (last === undefined) return undefined;
    const keys = new Set(lines.flatMap((line) => line.keys));
    const values = new Map(lines.flatMap((line) => Object.entries(line.values)));
    const changes = [...values].map(
      ([key, value]): DatabaseChange =>
        value === null ? { type: "del", key } : { type: "put", key, value: Buffer.from(value, "base64") },
    );
    return { writes: last.n - number, keys: [...keys], changes };
  }

  /** Forgets what is in tables, which the database has just made of its logs. What fails here is tried with the next line. */
  async begin(): Promise<void> {
    await rm(this.#before, { force: true }).catch(() => undefined);
    await rm(this.#path, { force: true }).catch(() => undefined);
  }

  /** The number of the next write. */
  next(): number {
    this.#number += 1;
    return this.#number;
  }

  /** Notes a write that the database has synced. Nobody waits for it. */
  note(n: number, changes: readonly DatabaseChange[]): void {
    const line: Line = { n, keys: [], values: {} };
    let bytes = 0;
    for (const change of changes) {
      const kind = this.#remember(change.key);
      if (kind === "value")
        line.values[change.key] = change.type === "del" ? null : Buffer.from(change.value).toString("base64");
      else if (kind === "key" && change.type === "put") line.keys.push(change.key);
      if (change.type === "put") bytes += change.key.length + change.value.length;
    }
    void this.#notes.add(() => this.#append(`${JSON.stringify(line)}\n`, bytes));
  }

  async close(): Promise<void> {
    await this.#notes.onIdle();
    await this.#closeFile();
  }

  async #append(line: string, bytes: number): Promise<void> {
    this.#covered += bytes;
    try {
      if (this.#covered > COVERED_BYTES) await this.#rotate();
      this.#file ??= await open(this.#path, "a", 0o600);
      const begin = this.#isTorn ? "\n" : "";
      this.#isTorn = true;
      await this.#file.appendFile(`${begin}${line}`);
      this.#isTorn = false;
    } catch {
      // A full disk, or one that fails: the database has the write.
    }
  }

  async #closeFile(): Promise<void> {
    await this.#file?.close();
    this.#file = undefined;
  }

  async #rotate(): Promise<void> {
    await this.#closeFile();
    await rename(this.#path, this.#before);
    this.#covered = 0;
  }

  get #before(): string {
    return `${this.#path}.before`;
  }
}

/** The lines that can be read: one that was cut short was not needed, or costs itself. */
async function readLines(path: string): Promise<Line[]> {
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (error) {
    if (codeOf(error) === "ENOENT") return [];
    throw error;
  }
  return text.split("\n").flatMap((line) => {
    try {
      return [lineSchema.parse(JSON.parse(line))];
    } catch {
      return [];
    }
  });
}

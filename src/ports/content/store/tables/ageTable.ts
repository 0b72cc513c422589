import { BlockKeys, blockKeyOfBorn, bornKey, decodeBorn, encodeBorn } from "../blockKeys.js";
import type { BlockDatabase } from "../engine/blockDatabase.js";
import type { BlockFiles } from "../files/blockFiles.js";
import type { BlockAge, StoreSession } from "../storeSession.js";

export interface BlockEntry extends BlockAge {
  readonly key: string;
  /** When it was last put or fetched, in milliseconds since 1970. */
  readonly at: number;
  readonly bytes: number;
}

/** Blocks that are dated in one step. */
const PAGE = 256;

export interface AgeTableDependencies {
  readonly db: BlockDatabase;
  readonly files: BlockFiles;
  readonly session: StoreSession;
  /** Runs `work` while nothing else writes. */
  readonly alone: <T>(work: () => Promise<T>) => Promise<T>;
}

/** When each block of a store came. Blocks get their age as they are written, see {@link BlockWriter}. */
export class AgeTable {
  readonly #db: BlockDatabase;
  readonly #files: BlockFiles;
  readonly #session: StoreSession;
  readonly #alone: AgeTableDependencies["alone"];

  constructor({ db, files, session, alone }: AgeTableDependencies) {
    this.#db = db;
    this.#files = files;
    this.#session = session;
    this.#alone = alone;
  }

  /** Every block of known age, by its key; the blocks themselves are not read. */
  async *entries(): AsyncGenerator<BlockEntry> {
    for await (const [key, value] of this.#db.entries(BlockKeys.born)) {
      const born = decodeBorn(value);
      if (born === undefined) continue;
      yield { key: blockKeyOfBorn(key), at: born.at, bytes: born.bytes, ...this.#session.ageOf(born) };
    }
  }

  /** Dates blocks anew, as put now, unless they were removed or put again meanwhile. */
  async restamp(entries: readonly BlockEntry[]): Promise<void> {
    await this.#alone(async () => {
      const stamps = await this.#db.getMany(entries.map(({ key }) => bornKey(key)));
      const old = entries.filter(({ at }, index) => decodeBorn(stamps[index])?.at === at);
      await this.#db.batch(
        old.map(({ key, bytes }) => ({
          type: "put" as const,
          key: bornKey(key),
          value: encodeBorn(this.#session.stamp(bytes)),
        })),
      );
    });
  }

  /**
   * Dates, as put now, the large blocks that have no age: those whose age was in what a repair could not save, or that a
   * crash left between their file and their age.
   */
  async dateFiles(): Promise<void> {
    let page: string[] = [];
    const date = () =>
      this.#alone(async () => {
        const stamps = await this.#db.getMany(page.map(bornKey));
        const changes = [];
        for (const key of page.filter((_, index) => decodeBorn(stamps[index]) === undefined)) {
          const bytes = await this.#files.read(key);
          if (bytes === undefined) continue;
          const value = encodeBorn(this.#session.stamp(bytes.length));
          changes.push({ type: "put" as const, key: bornKey(key), value });
        }
        if (changes.length > 0) await this.#db.batch(changes);
        page = [];
      });
    for await (const key of this.#files.keys()) if (page.push(key) === PAGE) await date();
    if (page.length > 0) await date();
  }
}

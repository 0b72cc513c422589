import type { Touched } from "../content/contentRows.js";
import type { Database } from "../database/database.js";
import { CatalogError } from "../errors.js";
import type { CatalogRecord, RecordFilter } from "../queries/query.js";

/**
 * What happened to a record: `listed` when a manifest named it, `verified` or `invalid` when its bytes were checked,
 * `retracted` when a reorganisation of the chain removed its anchor.
 */
export interface CatalogChange {
  readonly type: "listed" | "verified" | "invalid" | "retracted";
  /** The record as it is now; a retracted one as it was before. */
  readonly record: CatalogRecord;
}

/** Changes that wait for a slow watcher. If there are more, its watch ends with an error, so that it misses no change unnoticed. */
const MAX_WAITING = 10_000;

/** The record at a position, if it matches a filter. */
type FindRecord = (filter: RecordFilter, position: number) => CatalogRecord | undefined;

interface Watcher {
  readonly filter: RecordFilter;
  readonly push: (changes: readonly CatalogChange[]) => void;
}

/** Sends changes of records to the watchers. Without watchers it reads no record. */
export class ChangeHub {
  readonly #watchers = new Set<Watcher>();
  readonly #find: FindRecord;

  constructor(find: FindRecord) {
    this.#find = find;
  }

  /** Sends records that were listed or checked. Call it after the transaction that wrote them. */
  publish(touched: readonly Touched[]): void {
    this.#send((filter) =>
      touched.flatMap(({ type, position }) => {
        const record = this.#find(filter, position);
        return record === undefined ? [] : [{ type, record }];
      }),
    );
  }

  /** Call it before records are rolled back. Call the function that it returns after the rollback: it sends them as retracted. */
  retract(db: Database, fromPosition: number): () => void {
    if (this.#watchers.size === 0) return () => undefined;
    const positions = db
      .all<{ position: number }>(
        "SELECT position FROM records WHERE position >= ? ORDER BY position DESC LIMIT ?",
        fromPosition,
        MAX_WAITING + 1,
      )
      .map(({ position }) => position);
    const sends = [...this.#watchers].map((watcher) => {
      const changes = positions.flatMap((position) => {
        const record = this.#find(watcher.filter, position);
        return record === undefined ? [] : [{ type: "retracted" as const, record }];
      });
      return () => watcher.push(changes);
    });
    return () => {
      for (const send of sends) send();
    };
  }

  #send(changesFor: (filter: RecordFilter) => readonly CatalogChange[]): void {
    for (const { filter, push } of this.#watchers) push(changesFor(filter));
  }

  /** Yields changes from now on, until the signal aborts. @throws {@link CatalogError} `overrun`, `closed`. */
  async *watch(
    filter: RecordFilter,
    signal: AbortSignal | undefined,
    closed: AbortSignal,
  ): AsyncGenerator<CatalogChange, void, undefined> {
    let waiting: CatalogChange[] = [];
    let overrun = false;
    let wake: () => void = () => undefined;
    const watcher: Watcher = {
      filter,
      push(changes) {
        overrun ||= waiting.length + changes.length > MAX_WAITING;
        if (!overrun) waiting.push(...changes);
        wake();
      },
    };
    const end = () => wake();
    const ended = () => closed.aborted || signal?.aborted === true;
    this.#watchers.add(watcher);
    signal?.addEventListener("abort", end);
    closed.addEventListener("abort", end);
    try {
      while (!ended()) {
        const changes = waiting;
        waiting = [];
        for (const change of changes) yield change;
        if (overrun) throw new CatalogError("overrun", `A watcher fell ${MAX_WAITING} changes behind.`);
        if (waiting.length > 0 || ended()) continue;
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
    } finally {
      this.#watchers.delete(watcher);
      signal?.removeEventListener("abort", end);
      closed.removeEventListener("abort", end);
    }
  }
}

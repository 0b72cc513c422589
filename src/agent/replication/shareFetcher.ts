import pMap from "p-map";
import { messageOf } from "../../errors.js";
import type { Address } from "../../records/index.js";
import type { Clock } from "../../utils/clock.js";
import type { Logger } from "../../utils/logger.js";
import { retryDelay } from "../../utils/timing/retryDelay.js";
import { type FetchReplicaParameters, fetchReplica } from "./fetchReplica.js";
import type { IndexedRecord } from "./index/indexedRecord.js";
import type { RecordRows } from "./index/recordRows.js";
import type { Share } from "./share.js";

/** Records that are fetched at once, so that no peer is overloaded. */
const PARALLEL = 16;
/** Records that are fetched in one tick, so that the others soon hear from this node again. */
const MAX_FETCHED = 256;
const FIRST_RETRY_MS = 1_000;
const MAX_RETRY_MS = 300_000;

export interface ShareFetcherDependencies {
  readonly content: FetchReplicaParameters["content"];
  readonly rows: RecordRows;
  readonly share: Share;
  readonly self: Address;
  readonly clock: Pick<Clock, "monotonic">;
  readonly logger: Logger;
  readonly signal: AbortSignal;
}

/** Fetches what is missing of this node's share, within the quota of each author. */
export class ShareFetcher {
  readonly #dependencies: ShareFetcherDependencies;

  constructor(dependencies: ShareFetcherDependencies) {
    this.#dependencies = dependencies;
  }

  /**
   * Fetches the oldest missing records, a bounded number; resolves with whether there are more.
   *
   * @param peerIds The peer id of each member, by its account in lower case.
   */
  async fetch(peerIds: ReadonlyMap<string, string>): Promise<boolean> {
    const { clock, logger, rows, signal } = this.#dependencies;
    const missing = rows.missing(clock.monotonic(), MAX_FETCHED);
    let failed = 0;
    await pMap(
      missing,
      async (record) => {
        try {
          await this.#fetch(record, peerIds);
        } catch (error) {
          signal.throwIfAborted();
          failed += 1;
          const failures = record.failures + 1;
          rows.postpone(record, failures, clock.monotonic() + retryDelay(failures, FIRST_RETRY_MS, MAX_RETRY_MS));
          logger.debug("a record could not be fetched", {
            contentId: record.contentId,
            reason: messageOf(error),
          });
        }
      },
      { concurrency: PARALLEL },
    );
    if (missing.length > 0) logger.info("fetched records to replicate", { fetched: missing.length - failed, failed });
    return missing.length === MAX_FETCHED && failed < missing.length;
  }

  async #fetch(record: IndexedRecord, peerIds: ReadonlyMap<string, string>): Promise<void> {
    const { content, logger, rows, self, share, signal } = this.#dependencies;
    // What this node itself wrote is no replica.
    const isOwn = record.authors.has(self.toLowerCase());
    if (!isOwn && !rows.hasRoom(record, 0)) return rows.refuse(record);
    let release: (() => void) | undefined;
    try {
      const fetched = await fetchReplica({
        ...{ content, record, signal },
        providers: [...share.holdersOf(record)].flatMap((node) => peerIds.get(node) ?? []),
        hasRoom(bytes) {
          // Others of the author may be under way: their room is taken.
          release = isOwn ? () => undefined : rows.reserve(record, bytes);
          // Noted at once: a record that gives its room back readmits those that were refused before.
          if (release === undefined) rows.refuse(record);
          return release !== undefined;
        },
      });
      if (fetched === undefined) return;
      release?.();
      release = undefined;
      rows.hold(record, fetched.bytes);
      if (fetched.refused === undefined) return;
      logger.warn("a model is kept without its weights", { contentId: record.contentId, reason: fetched.refused });
    } finally {
      if (release !== undefined) {
        release();
        // What came second found no room only for this one.
        rows.readmit();
      }
    }
  }
}

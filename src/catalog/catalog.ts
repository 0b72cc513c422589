import { BaseError, InvalidInputError } from "../errors.js";
import { type Chain, createEventFeed, type FinalityRule } from "../ports/chain/index.js";
import type { ContentStore } from "../ports/content/index.js";
import type { ContentId, Hex } from "../records/index.js";
import { type Clock, systemClock } from "../utils/clock.js";
import { repeat } from "../utils/repeat.js";
import { listPending, type PendingContent } from "./content/awaited.js";
import { type FetchProgress, fetchDue } from "./content/content.js";
import { type Database, openDatabase, removeDatabase } from "./database/database.js";
import { claimFor, readProgress } from "./database/meta.js";
import { PLACES } from "./database/schema.js";
import { CatalogError } from "./errors.js";
import { type IncidentHistory, type IncidentPage, pageOfIncidents, readIncident } from "./queries/incidentQuery.js";
import {
  DEFAULT_LINEAGE,
  type LineageOptions,
  MAX_LINEAGE,
  type ModelLineage,
  readLineage,
} from "./queries/lineage.js";
import {
  DEFAULT_LIMIT,
  type IncidentQuery,
  MAX_LIMIT,
  type PageOptions,
  type RecordFilter,
  type RecordPage,
  type RecordQuery,
} from "./queries/query.js";
import { pageOfRecords, selectRecords } from "./queries/recordQuery.js";
import { type CatalogStatus, readStatus } from "./statusReport.js";
import { followedEvents } from "./sync/chainRows.js";
import { confirmationsOf } from "./sync/confirmations.js";
import { firstSlotAbove } from "./sync/rollback.js";
import { type ChainProgress, syncChain } from "./sync/sync.js";
import { type CatalogChange, ChangeHub } from "./sync/watch.js";

export interface OpenCatalogParameters {
  /** The database file, which is created if it does not exist. ":memory:" keeps it in memory. */
  readonly path: string;
  readonly chain: Chain;
  readonly content: ContentStore;
  /**
   * What counts as confirmed: a number of blocks from a row's own on, or "finalized", the default: what the chain's
   * `finalized` tag says, and 64 blocks where the node does not know it.
   */
  readonly confirmations?: FinalityRule | undefined;
  /** For pauses, and for when content is due; the system's by default. */
  readonly clock?: Clock | undefined;
  /** Begin anew. A catalog at `path` is deleted, any other file there is set aside under another name. */
  readonly rebuild?: boolean | undefined;
}

export interface SyncOptions {
  readonly signal?: AbortSignal | undefined;
  /** Also fetch at once content that failed a moment ago. */
  readonly retryAll?: boolean | undefined;
  readonly onProgress?: ((progress: SyncProgress) => void) | undefined;
}

export type SyncProgress =
  | ({ readonly stage: "chain" } & ChainProgress)
  | ({ readonly stage: "content" } & FetchProgress);

export interface SyncReport {
  /** Events that were read. */
  readonly events: number;
  /** Blocks that a reorganisation removed, and that were rolled back. */
  readonly undoneBlocks: number;
  /** Manifests and records that were fetched and hold. */
  readonly manifests: number;
  readonly records: number;
}

export interface FollowOptions {
  readonly signal: AbortSignal;
  /** Between two polls of the chain, in milliseconds; {@link FOLLOW_MS} by default. */
  readonly pollMs?: number | undefined;
  /** Called with every error after which the catalog follows on: those that another attempt may mend. */
  readonly onError?: ((error: unknown) => void) | undefined;
}

export const FOLLOW_MS = 3_000;

/** A local index of the records and decisions of a DAO: a cache, which can be built again from chain and content. */
export interface Catalog {
  readonly path: string;
  /**
   * Reads the chain to its end, taking back what a reorganisation undid, then fetches and checks what is awaited.
   *
   * @throws ChainError, ContentError `storage`, {@link CatalogError}, the signal's reason.
   */
  sync(options?: SyncOptions): Promise<SyncReport>;
  /** Syncs until the signal aborts. @throws what {@link sync} throws and another try cannot mend. */
  follow(options: FollowOptions): Promise<void>;
  status(): Promise<CatalogStatus>;
  /** @throws {@link InvalidInputError} for a wrong limit or cursor. */
  listRecords(query?: RecordQuery): Promise<RecordPage>;
  listIncidents(query?: IncidentQuery): Promise<IncidentPage>;
  /** One incident and what happened to it, newest first; undefined if no verified record has this fingerprint. */
  getIncident(query: { readonly fingerprint: Hex } & PageOptions): Promise<IncidentHistory | undefined>;
  /** Undefined if no record or acceptance names the model. */
  getLineage(query: { readonly model: ContentId } & LineageOptions): Promise<ModelLineage | undefined>;
  /** Manifests and records that are anchored but could not be fetched so far. */
  listPending(options?: { readonly limit?: number | undefined }): Promise<PendingContent[]>;
  /**
   * Changes of records that a filter lets through, from now on, as this catalog's syncs bring them.
   *
   * @throws {@link CatalogError} `overrun` if the reader does not keep up.
   */
  watch(
    filter?: RecordFilter & { readonly signal?: AbortSignal | undefined },
  ): AsyncGenerator<CatalogChange, void, undefined>;
  close(): Promise<void>;
}

/**
 * Opens the index of a DAO's records, incidents and models, or creates it.
 *
 * @throws {@link CatalogError}: `no-sqlite` if Node has none; `corrupt`, `foreign`, `outdated` or `other-deployment`
 * if the file is no catalog of this DAO (`needsRebuild`); `busy` or `storage`.
 * @example
 * const catalog = await openCatalog({ path: "catalog.db", chain, content });
 * await catalog.sync();
 * const { records } = await catalog.listRecords({ kind: "Incident", severity: "critical" });
 */
export async function openCatalog(parameters: OpenCatalogParameters): Promise<Catalog> {
  const { path, chain, content, confirmations: rule = "finalized", rebuild = false, clock = systemClock } = parameters;
  if (typeof rule === "number" && !(Number.isInteger(rule) && rule >= 1)) {
    throw new InvalidInputError(`Confirmations are a number from 1, or "finalized", not ${rule}.`);
  }
  if (rebuild && path !== ":memory:") await removeDatabase(path, clock);
  const db = await openDatabase(path);
  try {
    claimFor(db, path, chain);
  } catch (error) {
    db.close();
    throw error;
  }
  return makeCatalog(db, { path, chain, clock, content, rule });
}

interface CatalogDependencies {
  readonly path: string;
  readonly chain: Chain;
  readonly clock: Clock;
  readonly content: ContentStore;
  readonly rule: FinalityRule;
}

function makeCatalog(db: Database, { path, chain, clock, content, rule }: CatalogDependencies): Catalog {
  const { deployedAtBlock } = chain;
  const context = { chainId: chain.chainId, registry: chain.addresses.KnowledgeRegistry };
  const feed = createEventFeed(chain, { names: followedEvents });
  const closing = new AbortController();
  const confirmed = () => confirmationsOf(readProgress(db, deployedAtBlock), rule);
  const hub = new ChangeHub(
    (filter, position) => selectRecords(db, filter, confirmed(), { limit: 1, at: position })[0],
  );
  const within = (signal: AbortSignal | undefined) =>
    AbortSignal.any([closing.signal, ...(signal === undefined ? [] : [signal])]);
  /** The last run of each stage, which runs one at a time. */
  const underWay: Record<SyncProgress["stage"], Promise<unknown>> = {
    chain: Promise.resolve(),
    content: Promise.resolve(),
  };

  function inTurn<T>(stage: SyncProgress["stage"], work: () => Promise<T>): Promise<T> {
    const result = underWay[stage].then(work);
    // The caller gets the error; the next run starts all the same.
    underWay[stage] = result.catch(() => undefined);
    return result;
  }

  const readChain = ({ signal, onProgress }: SyncOptions) =>
    inTurn("chain", async () => {
      let retract = () => {};
      return syncChain({
        db,
        feed,
        chain,
        rule,
        signal: within(signal),
        beforeUndo: (block) => {
          const slot = firstSlotAbove(db, block);
          retract = slot === undefined ? () => {} : hub.retract(db, slot * PLACES);
        },
        afterUndo: () => retract(),
        onProgress: onProgress && ((progress) => onProgress({ stage: "chain", ...progress })),
      });
    });

  const fetchContent = ({ signal, retryAll, onProgress }: SyncOptions) =>
    inTurn("content", () =>
      fetchDue(db, { clock, content, context }, (touched) => hub.publish(touched), {
        signal: within(signal),
        retryAll,
        onProgress: onProgress && ((progress) => onProgress({ stage: "content", ...progress })),
      }),
    );

  return {
    path,
    sync: async (options = {}) => ({ ...(await readChain(options)), ...(await fetchContent(options)) }),
    async follow({ signal, pollMs = FOLLOW_MS, onError = () => undefined }) {
      // Slow content must not delay the chain: each has a loop of its own. If one fails for good, both end.
      const failed = new AbortController();
      const ends = within(AbortSignal.any([signal, failed.signal]));
      const loop = (stage: (options: SyncOptions) => Promise<unknown>) =>
        repeat({
          clock,
          everyMs: pollMs,
          signal: ends,
          onError(error) {
            if (!(error instanceof BaseError && error.retryable)) throw error;
            onError(error);
          },
          work: () => stage({ signal: ends }),
        });
      const loops = [loop(readChain), loop(fetchContent)];
      try {
        await Promise.all(loops);
      } catch (error) {
        failed.abort();
        await Promise.allSettled(loops);
        throw error;
      }
    },
    status: async () => readStatus(db, { path, deployedAtBlock, confirmed: confirmed() }),
    async listRecords(query = {}) {
      const now = confirmed();
      return { ...pageOfRecords(db, query, now, limitOf(query.limit)), block: now.block };
    },
    async listIncidents(query = {}) {
      const now = confirmed();
      return { ...pageOfIncidents(db, query, now, limitOf(query.limit)), block: now.block };
    },
    getIncident: async ({ fingerprint, limit, cursor }) =>
      readIncident(db, fingerprint, confirmed(), { limit: limitOf(limit), cursor }),
    getLineage: async ({ model, limit }) =>
      readLineage(db, model, confirmed(), limitOf(limit, DEFAULT_LINEAGE, MAX_LINEAGE)),
    listPending: async ({ limit } = {}) => listPending(db, limitOf(limit)),
    watch: ({ signal, ...filter } = {}) => hub.watch(filter, signal, closing.signal),
    async close() {
      closing.abort(new CatalogError("closed", `The catalog ${path} is closed.`));
      await Promise.all(Object.values(underWay));
      db.close();
    },
  };
}

function limitOf(limit: number | undefined, usual = DEFAULT_LIMIT, most = MAX_LIMIT): number {
  if (limit === undefined) return usual;
  if (!Number.isInteger(limit) || limit < 1 || limit > most) {
    throw new InvalidInputError(`A limit is a number from 1 to ${most}, not ${limit}.`);
  }
  return limit;
}

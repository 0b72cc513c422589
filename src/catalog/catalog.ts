import { BaseError, InvalidInputError } from "../errors.js";
import { type Chain, createEventFeed, type FinalityRule } from "../ports/chain/index.js";
import type { ContentStore } from "../ports/content/index.js";
import type { Address, ContentId, Hex } from "../records/index.js";
import { type Clock, systemClock } from "../utils/clock.js";
import { repeat } from "../utils/timing/repeat.js";
import { listPending, type PendingContent } from "./content/awaited.js";
import { type FetchProgress, fetchDue } from "./content/content.js";
import { type Database, openDatabase, removeDatabase } from "./database/database.js";
import { bindToDeployment, readProgress } from "./database/meta.js";
import { PLACES } from "./database/schema.js";
import { CatalogError } from "./errors.js";
import { type DailyStates, type DailyStatesQuery, listDailyStates } from "./queries/dailyStates.js";
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
import { type CatalogRetention, createForgetter } from "./retention/forgetter.js";
import type { AuthorQuota } from "./retention/usage.js";
import { type CatalogStatus, readStatus } from "./statusReport.js";
import { followedEvents } from "./sync/chainRows.js";
import { confirmationsOf } from "./sync/confirmations.js";
import { firstSlotAbove } from "./sync/slots.js";
import { type ChainProgress, syncChain } from "./sync/sync.js";
import { type CatalogChange, ChangeHub } from "./sync/watch.js";

export interface OpenCatalogParameters {
  /** The database file, which is created if it does not exist. ":memory:" keeps it in memory. */
  readonly path: string;
  readonly chain: Chain;
  readonly content: ContentStore;
  /**
   * When a row is confirmed: after this number of blocks, its own included; or, with "finalized", the default, once the
   * chain's `finalized` tag has reached its block. If the RPC node does not know the tag, after 64 blocks.
   */
  readonly confirmations?: FinalityRule | undefined;
  /** Measures pauses and due times; the system's clock by default. */
  readonly clock?: Clock | undefined;
  /** Up to which block states need not be kept: they are counted by author and day instead. All are kept by default. */
  readonly retention?: CatalogRetention | undefined;
  /** How much of each author's records is stored, but for those of `unlimited`; all by default. */
  readonly quota?: AuthorQuota | undefined;
  readonly unlimited?: Address | undefined;
  /** Whether to build the catalog anew: a catalog at `path` is deleted, any other file there is renamed. */
  readonly rebuild?: boolean | undefined;
}

export interface SyncOptions {
  readonly signal?: AbortSignal | undefined;
  /** Whether to fetch at once also content that failed a moment ago. */
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
  /** Manifests and records that were fetched and are valid. */
  readonly manifests: number;
  readonly records: number;
}

export interface FollowOptions {
  readonly signal: AbortSignal;
  /** Between two polls of the chain, in milliseconds; {@link FOLLOW_MS} by default. */
  readonly pollMs?: number | undefined;
  /** Called with every error that another attempt may mend; the catalog then makes one. */
  readonly onError?: ((error: unknown) => void) | undefined;
}

export const FOLLOW_MS = 3_000;

/** A local index of the records and decisions of a DAO: a cache, which can be built again from chain and content. */
export interface Catalog {
  readonly path: string;
  /**
   * Reads the chain to its newest block and removes what a reorganisation undid; then fetches and checks the manifests and
   * records that are due.
   *
   * @throws ChainError, ContentError `storage`, {@link CatalogError}, the signal's reason.
   */
  sync(options?: SyncOptions): Promise<SyncReport>;
  /** Syncs until the signal aborts. @throws the errors of {@link sync} that another attempt cannot mend. */
  follow(options: FollowOptions): Promise<void>;
  status(): Promise<CatalogStatus>;
  /** @throws {@link InvalidInputError} for a wrong limit or cursor. */
  listRecords(query?: RecordQuery): Promise<RecordPage>;
  listIncidents(query?: IncidentQuery): Promise<IncidentPage>;
  /** One incident and what happened to it, newest first; undefined if no verified record has this fingerprint. */
  getIncident(query: { readonly fingerprint: Hex } & PageOptions): Promise<IncidentHistory | undefined>;
  /** A model's ancestors and descendants; undefined if no record or acceptance names the model. */
  getLineage(query: { readonly model: ContentId } & LineageOptions): Promise<ModelLineage | undefined>;
  /** Manifests and records that are anchored but could not be fetched so far. */
  listPending(options?: { readonly limit?: number | undefined }): Promise<PendingContent[]>;
  /** How many states of each author are kept no more, by day, the newest day first. @throws {@link InvalidInputError} for a wrong limit. */
  listDailyStates(query?: DailyStatesQuery): Promise<DailyStates[]>;
  /**
   * Yields each change that a sync of this catalog makes, from now on, to a record that matches the filter.
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
 * if the file is no catalog of this DAO (`needsRebuild`); `busy`, `disk` or `storage`.
 * @example
 * const catalog = await openCatalog({ path: "catalog.db", chain, content });
 * await catalog.sync();
 * const { records } = await catalog.listRecords({ kind: "Incident", severity: "critical" });
 */
export async function openCatalog(parameters: OpenCatalogParameters): Promise<Catalog> {
  const { path, confirmations: rule = "finalized", rebuild = false, clock = systemClock } = parameters;
  if (typeof rule === "number" && !(Number.isInteger(rule) && rule >= 1)) {
    throw new InvalidInputError(`Confirmations are a number from 1, or "finalized", not ${rule}.`);
  }
  if (rebuild && path !== ":memory:") await removeDatabase(path, clock);
  const db = await openDatabase(path);
  try {
    bindToDeployment(db, path, parameters.chain);
  } catch (error) {
    db.close();
    throw error;
  }
  return makeCatalog(db, { ...parameters, clock, rule });
}

interface CatalogDependencies extends Omit<OpenCatalogParameters, "confirmations" | "rebuild"> {
  readonly clock: Clock;
  readonly rule: FinalityRule;
}

function makeCatalog(db: Database, dependencies: CatalogDependencies): Catalog {
  const { path, chain, clock, content, quota, retention, rule, unlimited } = dependencies;
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
  /** The last run of each stage: the runs of a stage follow one another. */
  const underWay: Record<SyncProgress["stage"], Promise<unknown>> = {
    chain: Promise.resolve(),
    content: Promise.resolve(),
  };

  function inTurn<T>(stage: SyncProgress["stage"], work: () => Promise<T>): Promise<T> {
    const result = underWay[stage].then(work);
    // The caller gets the error, and the next run starts after a failed one too.
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

  const forget = createForgetter({ db, clock, retention, finalBlock: () => confirmed().through });
  const fetchContent = ({ signal, retryAll, onProgress }: SyncOptions) =>
    inTurn("content", async () => {
      // First, so that nothing is asked for that no node keeps.
      await forget(within(signal));
      return fetchDue(db, { clock, content, context, quota, unlimited }, (touched) => hub.publish(touched), {
        signal: within(signal),
        retryAll,
        onProgress: onProgress && ((progress) => onProgress({ stage: "content", ...progress })),
      });
    });

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
    listDailyStates: async (query = {}) => listDailyStates(db, query, limitOf(query.limit)),
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

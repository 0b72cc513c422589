import { join } from "node:path";
import { type Catalog, CatalogError, openCatalog } from "../catalog/index.js";
import { messageOf } from "../errors.js";
import type { Chain } from "../ports/chain/index.js";
import type { ContentStore } from "../ports/content/index.js";
import type { Address } from "../records/index.js";
import { FailureLog } from "../utils/failureLog.js";
import type { Logger } from "../utils/logger.js";
import { type AgentConfig, finalityOf } from "./config.js";
import type { RetentionTerms } from "./replication/retentionReader.js";

/** A catalog that follows the chain until it is stopped. */
export interface RunningCatalog {
  readonly catalog: Catalog;
  stop(): Promise<void>;
}

interface RunCatalogParameters {
  readonly config: Pick<AgentConfig, "dataDir" | "chain"> & {
    readonly content: Pick<AgentConfig["content"], "authorQuota">;
  };
  readonly chain: Chain;
  readonly content: ContentStore;
  /** This node's account: its own records have no quota. */
  readonly self: Address;
  readonly retention: { read(): Promise<Pick<RetentionTerms, "lastForgottenBlock">> };
  readonly logger: Logger;
}

/**
 * Runs the node's index of chain and content in its data folder. The index is only a cache: if it is damaged, at the start or
 * later, or another DAO's, it is built anew. Undefined if this Node.js has no SQLite or the file cannot be used, which is
 * logged once.
 */
export async function runCatalog({
  config,
  chain,
  content,
  self,
  retention,
  logger,
}: RunCatalogParameters): Promise<RunningCatalog | undefined> {
  const failures = new FailureLog(logger, "the catalog keeps all states for now", "the catalog forgets states again");
  const parameters = {
    path: join(config.dataDir, "catalog.db"),
    chain,
    content,
    // The agent acts on confirmed blocks alone.
    confirmations: finalityOf(config),
    quota: config.content.authorQuota,
    unlimited: self,
    retention: { readForgottenBlock },
  };
  const opened = await open().catch((error: unknown) => {
    if (!(error instanceof CatalogError)) throw error;
    logger.warn("this node keeps no catalog", { reason: messageOf(error) });
    return undefined;
  });
  if (opened === undefined) return undefined;
  let current = opened;
  const stop = new AbortController();
  /** Aborted when a query finds damage that following has not come upon. */
  let damaged = new AbortController();
  const following = follow().catch((error: unknown) =>
    logger.error("the catalog is no longer kept up to date", { reason: messageOf(error) }),
  );
  return {
    catalog: delegating(parameters.path, () => current, notice),
    async stop() {
      stop.abort();
      await following;
      await current.close();
    },
  };

  /** Follows the chain until the node stops, with one catalog after another if they are damaged. */
  async function follow(): Promise<void> {
    while (!stop.signal.aborted) {
      try {
        const onError = (error: unknown) => logger.debug("the catalog is behind", { reason: messageOf(error) });
        await current.follow({ signal: AbortSignal.any([stop.signal, damaged.signal]), onError });
        if (!damaged.signal.aborted) return;
        throw damaged.signal.reason;
      } catch (error) {
        if (stop.signal.aborted || !needsRebuild(error)) throw error;
        logger.warn("the catalog is built anew", { reason: messageOf(error) });
        await current.close();
        current = await openCatalog({ ...parameters, rebuild: true });
        damaged = new AbortController();
      }
    }
  }

  /** While the voted retention cannot be read, everything is kept. */
  async function readForgottenBlock(): Promise<number> {
    try {
      const { lastForgottenBlock } = await retention.read();
      failures.succeeded();
      return lastForgottenBlock;
    } catch (error) {
      failures.failed(error);
      return -1;
    }
  }

  function notice(error: unknown): void {
    if (needsRebuild(error)) damaged.abort(error);
  }

  function open(): Promise<Catalog> {
    return openCatalog(parameters).catch((error: unknown) => {
      if (!needsRebuild(error)) throw error;
      logger.warn("the catalog is built anew", { reason: messageOf(error) });
      return openCatalog({ ...parameters, rebuild: true });
    });
  }
}

function needsRebuild(error: unknown): boolean {
  return error instanceof CatalogError && error.needsRebuild;
}

/** One catalog in the place of those that follow one another. @param notice Is told of each error of a query. */
function delegating(path: string, current: () => Catalog, notice: (error: unknown) => void): Catalog {
  const asked = <T>(result: Promise<T>): Promise<T> => {
    result.catch(notice);
    return result;
  };
  return {
    path,
    sync: (options) => asked(current().sync(options)),
    follow: (options) => asked(current().follow(options)),
    status: () => asked(current().status()),
    listRecords: (query) => asked(current().listRecords(query)),
    listIncidents: (query) => asked(current().listIncidents(query)),
    getIncident: (query) => asked(current().getIncident(query)),
    getLineage: (query) => asked(current().getLineage(query)),
    listPending: (options) => asked(current().listPending(options)),
    listDailyStates: (query) => asked(current().listDailyStates(query)),
    watch: (filter) => current().watch(filter),
    close: () => current().close(),
  };
}

import { join } from "node:path";
import { type Catalog, CatalogError, openCatalog } from "../catalog/index.js";
import { messageOf } from "../errors.js";
import type { Chain } from "../ports/chain/index.js";
import type { ContentStore } from "../ports/content/index.js";
import type { Logger } from "../utils/logger.js";
import { type AgentConfig, finalityOf } from "./config.js";

/** A catalog that is kept up to date until it is told to stop. */
export interface RunningCatalog {
  readonly catalog: Catalog;
  stop(): Promise<void>;
}

interface KeepCatalogParameters {
  readonly config: Pick<AgentConfig, "dataDir" | "chain">;
  readonly chain: Chain;
  readonly content: ContentStore;
  readonly logger: Logger;
}

/**
 * Keeps the node's index of chain and content in its data folder. It is only a cache: where it is damaged, or another
 * DAO's, it is built anew; where this Node has no SQLite, or the file cannot be used, the node says so once and goes
 * without.
 */
export async function runCatalog({
  config,
  chain,
  content,
  logger,
}: KeepCatalogParameters): Promise<RunningCatalog | undefined> {
  const parameters = {
    path: join(config.dataDir, "catalog.db"),
    chain,
    content,
    // What the agent acts on is confirmed.
    confirmations: finalityOf(config),
  };
  const catalog = await openOrRebuild();
  if (catalog === undefined) return undefined;
  const stop = new AbortController();
  const following = catalog
    .follow({
      signal: stop.signal,
      onError: (error) => logger.debug("the catalog is behind", { reason: messageOf(error) }),
    })
    .catch((error: unknown) => logger.error("the catalog is no longer kept up to date", { reason: messageOf(error) }));
  return {
    catalog,
    async stop() {
      stop.abort();
      await following;
      await catalog.close();
    },
  };

  async function openOrRebuild(): Promise<Catalog | undefined> {
    try {
      return await openCatalog(parameters).catch((error: unknown) => {
        if (!(error instanceof CatalogError) || !error.needsRebuild) throw error;
        logger.warn("the catalog is built anew", { reason: messageOf(error) });
        return openCatalog({ ...parameters, rebuild: true });
      });
    } catch (error) {
      if (!(error instanceof CatalogError)) throw error;
      logger.warn("this node keeps no catalog", { reason: messageOf(error) });
      return undefined;
    }
  }
}

import { join } from "node:path";
import { type Catalog, CatalogError, openCatalog } from "../catalog/index.js";
import { messageOf } from "../errors.js";
import type { Chain } from "../ports/chain/index.js";
import type { ContentStore } from "../ports/content/index.js";
import type { Logger } from "../utils/logger.js";
import { type AgentConfig, finalityOf } from "./config.js";

/** A catalog that follows the chain until it is stopped. */
export interface RunningCatalog {
  readonly catalog: Catalog;
  stop(): Promise<void>;
}

interface RunCatalogParameters {
  readonly config: Pick<AgentConfig, "dataDir" | "chain">;
  readonly chain: Chain;
  readonly content: ContentStore;
  readonly logger: Logger;
}

/**
 * Runs the node's index of chain and content in its data folder. The index is only a cache: if it is damaged, or another
 * DAO's, it is built anew. Undefined if this Node.js has no SQLite or the file cannot be used, which is logged once.
 */
export async function runCatalog({
  config,
  chain,
  content,
  logger,
}: RunCatalogParameters): Promise<RunningCatalog | undefined> {
  const parameters = {
    path: join(config.dataDir, "catalog.db"),
    chain,
    content,
    // The agent acts on confirmed blocks alone.
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

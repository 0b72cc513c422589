import { join } from "node:path";
import type { Client } from "../../client/index.js";
import type { HeliaContent } from "../../ports/content/drivers/helia.js";
import type { createGossip } from "../../ports/gossip/index.js";
import type { Address } from "../../records/index.js";
import { systemClock } from "../../utils/clock.js";
import type { Logger } from "../../utils/logger.js";
import type { AgentConfig } from "../config.js";
import { AgentDefaults } from "../defaults.js";
import type { DiskSpace } from "../maintenance/diskSpace.js";
import { Replicator } from "../replication/replicator.js";
import type { ChainRetentionReader } from "../replication/retentionReader.js";

interface StartReplicatorParameters {
  readonly config: AgentConfig;
  readonly self: Address;
  readonly client: Client;
  readonly content: HeliaContent;
  readonly disk: DiskSpace;
  readonly gossip: ReturnType<typeof createGossip>;
  readonly retention: ChainRetentionReader;
  readonly logger: Logger;
}

/** Starts what keeps this node's share of all records. @throws {CatalogError}, {DiskError} */
export async function startReplicator({
  config,
  disk,
  ...dependencies
}: StartReplicatorParameters): Promise<Replicator> {
  const { authorQuota: quota, awayMs } = config.content;
  const replicator = await Replicator.open({
    ...dependencies,
    quota,
    indexPath: join(config.dataDir, "replication.db"),
    clock: systemClock,
    awayMs,
    hasRoom: () => disk.allows("file"),
    // Three reports fit into `awayMs`: two may be lost before other nodes take this one to be away.
    everyMs: Math.min(AgentDefaults.replicateEveryMs, awayMs / 3),
  });
  replicator.start();
  return replicator;
}

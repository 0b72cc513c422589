import { join } from "node:path";
import type PQueue from "p-queue";
import { messageOf } from "../../errors.js";
import { type BackedUp, backUp } from "../../ports/content/backup/backup.js";
import type { ContentMaintenance, ContentStore } from "../../ports/content/index.js";
import type { Clock } from "../../utils/clock.js";
import type { Logger } from "../../utils/logger.js";
import type { AgentConfig } from "../config.js";

/** What a node has written down so that it never says two things, or says one twice. Keys are not among it. */
const JOURNALS = ["outbox.jsonl", "ballots.jsonl", "attestations.jsonl"] as const;

/** Whose a backup is, and which journals belong to it. */
export function backupOf({ name, dataDir, chain: { chainId, contracts, deployedAtBlock } }: BackedUpConfig) {
  return {
    subject: { name, chainId, contracts: { ...contracts }, deployedAtBlock },
    files: JOURNALS.map((path) => ({ path, from: join(dataDir, path) })),
  };
}

type BackedUpConfig = Pick<AgentConfig, "name" | "dataDir" | "chain">;

interface KeepBackupsParameters {
  readonly config: BackedUpConfig & Pick<AgentConfig, "backup">;
  readonly store: ContentStore & ContentMaintenance;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Shared with whatever takes blocks from the store: what is being backed up must not go meanwhile. */
  readonly turns: PQueue;
}

/** Backs a running node up every so often, where its configuration says so. Resolves when it has stopped. */
export async function runBackups(
  { config, store, clock, logger, turns }: KeepBackupsParameters,
  signal: AbortSignal,
): Promise<void> {
  if (config.backup === undefined) return;
  const { dir, everyMs } = config.backup;
  while (!signal.aborted) {
    try {
      const done = await turns.add(() => backUp({ ...backupOf(config), store, dir, signal }));
      report(logger, done);
    } catch (error) {
      if (!signal.aborted) logger.error("the backup failed", { reason: messageOf(error) });
    }
    await clock.sleep(everyMs, signal).catch(() => undefined);
  }
}

function report(logger: Logger, { lost, damaged, ...done }: BackedUp): void {
  if (damaged.length > 0) logger.error("earlier parts of the backup were damaged, and written anew", { damaged });
  if (lost.length > 0) logger.error("the backup is without blocks that nobody has", { ...done, lost: lost.length });
  else logger.info("backed up", { ...done });
}

import { stat } from "node:fs/promises";
import { join } from "node:path";
import type PQueue from "p-queue";
import { messageOf } from "../../errors.js";
import { type BackedUp, backUp } from "../../ports/content/backup/backup.js";
import { KEEP } from "../../ports/content/backup/generations.js";
import type { ContentMaintenance, ContentStore } from "../../ports/content/index.js";
import type { Clock } from "../../utils/clock.js";
import type { Logger } from "../../utils/logger.js";
import { repeat } from "../../utils/timing/repeat.js";
import type { AgentConfig } from "../config.js";

/** The journals that keep a node from signing two different statements and from anchoring a batch twice. Keys are not backed up. */
const JOURNALS = [
  { path: "outbox.jsonl", grows: false },
  { path: "ballots.jsonl", grows: true },
  { path: "attestations.jsonl", grows: true },
] as const;

/** The node and chain that a backup belongs to, and the journals in it. */
export function backupOf({ name, dataDir, chain, backup }: BackedUpConfig) {
  const { chainId, contracts, deployedAtBlock } = chain;
  return {
    subject: { name, chainId, contracts: { ...contracts }, deployedAtBlock },
    files: JOURNALS.map((journal) => ({ ...journal, from: join(dataDir, journal.path) })),
    keep: { newest: backup?.keepNewest ?? KEEP.newest, days: backup?.keepDays ?? KEEP.days },
  };
}

type BackedUpConfig = Pick<AgentConfig, "name" | "dataDir" | "chain" | "backup">;

interface RunBackupsParameters {
  readonly config: BackedUpConfig;
  readonly store: ContentStore & ContentMaintenance;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Shared with garbage collection: no block may be collected while a backup runs. */
  readonly exclusive: PQueue;
}

/** Backs a running node up again and again, if its configuration says so. Resolves when it has stopped. */
export async function runBackups(
  { config, store, clock, logger, exclusive }: RunBackupsParameters,
  signal: AbortSignal,
): Promise<void> {
  if (config.backup === undefined) return;
  const { dir, everyMs } = config.backup;
  let isWarned = false;
  await repeat({
    clock,
    everyMs,
    signal,
    onError: (error) => logger.error("the backup failed", { reason: messageOf(error) }),
    work: async () => {
      report(logger, await exclusive.add(() => backUp({ ...backupOf(config), store, dir, signal })));
      if (!isWarned && (await isOnOneDisk(dir, config.dataDir)))
        logger.warn("the backup is on the disk of the data folder: one fault of that disk takes both", { dir });
      isWarned = true;
    },
  });
}

/** Whether both folders are on one file system. */
async function isOnOneDisk(one: string, other: string): Promise<boolean> {
  return (await stat(one)).dev === (await stat(other)).dev;
}

function report(logger: Logger, { lost, damaged, ...done }: BackedUp): void {
  if (damaged.length > 0)
    logger.error("earlier parts of the backup were damaged and have been written again", { damaged });
  if (lost.length > 0)
    logger.error("the backup lacks blocks that no peer has given in time", { ...done, lost: lost.length });
  else logger.info("backed up", { ...done });
}

import { defineCommand } from "citty";
import { readAgentConfig } from "../../../agent/config.js";
import { backupOf } from "../../../agent/maintenance/backups.js";
import type { CheckedBackup } from "../../../ports/content/backup/restore.js";
import { formatTime, printFacts, printJson, printLine } from "../output/print.js";
import { formatBytes, progressLine } from "../output/progress.js";
import { withAgentStore } from "../store.js";
import { LostBlocksError } from "./content.js";

const shared = {
  config: { type: "string", description: "the agent's configuration file", required: true, valueHint: "FILE" },
  json: { type: "boolean", description: "print JSON for programs", default: false },
} as const;

export const backup = defineCommand({
  meta: { name: "backup", description: "Back up a stopped agent: what is new since the last backup" },
  args: { ...shared, out: { type: "string", description: "folder of the backup", required: true, valueHint: "DIR" } },
  run: async ({ args }) => {
    const config = await readAgentConfig(args.config);
    const { backUp } = await import("../../../ports/content/backup/backup.js");
    await withAgentStore(args.config, async (store) => {
      const line = progressLine(args.json);
      const done = await backUp({
        ...backupOf(config),
        store,
        dir: args.out,
        onProgress: (blocks, fresh) => line.show(`${blocks} blocks, ${fresh} new`),
      }).finally(line.end);
      const { blocks, newBlocks, newBytes, pins, files, lost, damaged } = done;
      if (args.json) printJson(done);
      else {
        printFacts({
          backup: args.out,
          new: `${newBlocks} blocks, ${formatBytes(newBytes)}`,
          all: `${blocks} blocks, ${pins} pins, ${files} journals`,
          checked: "everything new, read back from the backup, and one earlier part",
          ...(damaged.length > 0 && { damaged: `${damaged.join(", ")}: written again; the damaged files are renamed` }),
        });
      }
      if (lost.length > 0)
        throw new LostBlocksError(lost, "The rest is backed up. `witan content scrub` names the lost blocks.");
    });
  },
});

export const restore = defineCommand({
  meta: { name: "restore", description: "Restore a backup, or check that it can be restored" },
  args: {
    ...shared,
    from: { type: "string", description: "folder of the backup", required: true, valueHint: "DIR" },
    check: { type: "boolean", description: "read and check the whole backup, and write nothing", default: false },
  },
  run: async ({ args }) => {
    const config = await readAgentConfig(args.config);
    const { checkBackup, restoreBackup } = await import("../../../ports/content/backup/restore.js");
    const line = progressLine(args.json);
    const onProgress = (blocks: number) => line.show(`${blocks} blocks`);
    if (args.check) {
      const checked = await checkBackup(args.from, onProgress).finally(line.end);
      if (args.json) return printJson(checked);
      return printFacts({ checked: "every file and every block matches its hash", ...factsOf(checked) });
    }
    await withAgentStore(args.config, async (store) => {
      const { subject } = backupOf(config);
      const restored = await restoreBackup({
        store,
        dir: args.from,
        dataDir: config.dataDir,
        subject,
        onProgress,
      }).finally(line.end);
      if (args.json) printJson(restored);
      else {
        printFacts({ restored: config.dataDir, ...factsOf(restored) });
        printLine("Start the agent: it reads the chain and fetches what was written since the backup.");
      }
      const { lost } = restored;
      if (lost.length > 0)
        throw new LostBlocksError(lost, "Start the agent, or run `witan content scrub`, to fetch them.");
    });
  },
});

function factsOf({ subject, time, parts, blocks, bytes, pins, files }: CheckedBackup) {
  return {
    of: `${subject.name}, chain ${subject.chainId}`,
    from: formatTime(Math.floor(time / 1_000)),
    holds: `${blocks} blocks, ${formatBytes(bytes)} in ${parts} parts, ${pins} pins, ${files} journals`,
  };
}

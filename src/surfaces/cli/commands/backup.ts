import { defineCommand } from "citty";
import { readAgentConfig } from "../../../agent/config.js";
import { backupOf } from "../../../agent/maintenance/backups.js";
import { markRestored } from "../../../agent/signing/restoreMarker.js";
import { InvalidInputError } from "../../../errors.js";
import type { CheckedBackup } from "../../../ports/content/backup/restore.js";
import { systemClock } from "../../../utils/clock.js";
import { formatTime, printFacts, printJson, printLine } from "../output/print.js";
import { formatBytes, progressLine } from "../output/progress.js";
import { withAgentStore } from "../store.js";
import { LostBlocksError } from "./content.js";

const shared = {
  config: { type: "string", description: "the agent's configuration file", required: true, valueHint: "FILE" },
  json: { type: "boolean", description: "print JSON for programs", default: false },
} as const;

const folder = { type: "string", description: "folder of the backup", required: true, valueHint: "DIR" } as const;

const create = defineCommand({
  meta: { name: "create", description: "Back up a stopped agent: what is new since the last backup" },
  args: {
    ...shared,
    out: folder,
    "accept-poorer": {
      type: "boolean",
      description: "back up a data folder that holds far less than the backup before",
      default: false,
    },
  },
  run: async ({ args }) => {
    const config = await readAgentConfig(args.config);
    const { backUp } = await import("../../../ports/content/backup/backup.js");
    await withAgentStore(args.config, async (store) => {
      const line = progressLine(args.json);
      const done = await backUp({
        ...backupOf(config),
        store,
        dir: args.out,
        acceptPoorer: args["accept-poorer"],
        onProgress: (blocks, fresh) => line.show(`${blocks} blocks, ${fresh} new`),
      }).finally(line.end);
      const { blocks, newBlocks, newBytes, pins, files, generations, lost, damaged } = done;
      if (args.json) printJson(done);
      else {
        printFacts({
          backup: args.out,
          new: `${newBlocks} blocks, ${formatBytes(newBytes)}`,
          all: `${blocks} blocks, ${pins} pins, ${files} journals`,
          generations: `${generations}`,
          checked: "everything new, read back from the backup, and one earlier part",
          ...(damaged.length > 0 && { damaged: `${damaged.join(", ")}: written again; the damaged files are renamed` }),
        });
      }
      if (lost.length > 0)
        throw new LostBlocksError(lost, "The rest is backed up. `witan content scrub` names the lost blocks.");
    });
  },
});

const verify = defineCommand({
  meta: { name: "verify", description: "Restore a backup into a temporary folder, and read all that is needed" },
  args: {
    from: folder,
    "sample-mb": {
      type: "string",
      description: "restore parts of so many MB, drawn at random, and not all",
      valueHint: "MB",
    },
    json: shared.json,
  },
  run: async ({ args }) => {
    const sample = args["sample-mb"];
    const sampleBytes = sample === undefined ? undefined : parseMegabytes(sample);
    const { verifyBackup } = await import("../../../ports/content/backup/verify.js");
    const line = progressLine(args.json);
    const verified = await verifyBackup({
      dir: args.from,
      sampleBytes,
      onProgress: (blocks) => line.show(`${blocks} blocks`),
    }).finally(line.end);
    const { blocks, bytes, journals, lost, parts, pins, subject, time } = verified;
    if (args.json) printJson(verified);
    else {
      printFacts({
        verified: `${subject.name}, chain ${subject.chainId}`,
        from: formatTime(Math.floor(time / 1_000)),
        restored: `${blocks} blocks, ${formatBytes(bytes)}, from ${parts.restored} of ${parts.of} parts`,
        pins: `${pins}`,
        journals: journals.map(({ entries, path }) => `${path}: ${entries} entries`).join(", "),
      });
    }
    if (lost.length > 0) throw new LostBlocksError(lost, "The backup lacks them: the next one asks peers for them.");
  },
});

/** Without a command it backs up. Its arguments are named here so that their values are not taken for commands. */
export const backup = defineCommand({
  meta: { name: "backup", description: "Back up a stopped agent, or verify a backup by a restore drill" },
  args: {
    config: { ...shared.config, required: false },
    out: { ...folder, required: false },
    from: { ...folder, required: false },
  },
  subCommands: { create, verify },
  default: "create",
});

export const restore = defineCommand({
  meta: { name: "restore", description: "Restore a backup, or check that it can be restored" },
  args: {
    ...shared,
    from: folder,
    at: {
      type: "string",
      description: "restore the newest generation that is not younger, such as 2026-11-27T08:00Z",
      valueHint: "TIME",
    },
    check: { type: "boolean", description: "read and check the whole backup, and write nothing", default: false },
  },
  run: async ({ args }) => {
    const config = await readAgentConfig(args.config);
    const at = args.at === undefined ? undefined : parseTime(args.at);
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
        at,
        // Before the journals are back: an agent that starts on half of them knows that it was restored.
        onBegin: () => markRestored(config.dataDir, systemClock.now()),
        onProgress,
      }).finally(line.end);
      if (args.json) printJson(restored);
      else {
        printFacts({ restored: config.dataDir, ...factsOf(restored) });
        printLine(
          "Start the agent: it reads the chain and fetches what was written since the backup. It signs nothing new on what is open now.",
        );
      }
      const { lost } = restored;
      if (lost.length > 0)
        throw new LostBlocksError(lost, "Start the agent, or run `witan content scrub`, to fetch them.");
    });
  },
});

/** @throws {@link InvalidInputError} */
function parseTime(text: string): number {
  const time = Date.parse(text);
  if (Number.isNaN(time)) throw new InvalidInputError(`"${text}" is no time such as 2026-11-27T08:00Z.`);
  return time;
}

/** In bytes. @throws {@link InvalidInputError} */
function parseMegabytes(text: string): number {
  if (!/^[1-9]\d{0,8}$/.test(text)) throw new InvalidInputError(`"${text}" is no number of MB, such as 500.`);
  return Number(text) * 1_000_000;
}

function factsOf({ subject, time, parts, blocks, bytes, pins, files, generations }: CheckedBackup) {
  return {
    of: `${subject.name}, chain ${subject.chainId}`,
    from: formatTime(Math.floor(time / 1_000)),
    holds: `${blocks} blocks, ${formatBytes(bytes)} in ${parts} parts, ${pins} pins, ${files} journals`,
    generations: `${generations.length}, the oldest of ${formatTime(Math.floor((generations.at(-1) ?? time) / 1_000))}`,
  };
}

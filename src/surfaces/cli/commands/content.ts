import { defineCommand } from "citty";
import { BaseError, InvalidInputError } from "../../../errors.js";
import type { LostBlock } from "../../../ports/content/index.js";
import { formatTime, printFacts, printJson, printTable } from "../output/print.js";
import { formatBytes, progressLine } from "../output/progress.js";
import { withAgentNode, withAgentStore } from "../store.js";

const storeArgs = {
  config: { type: "string", description: "the agent's configuration file", required: true, valueHint: "FILE" },
  json: { type: "boolean", description: "print JSON for programs", default: false },
} as const;

/** Blocks that are needed and cannot be had. */
export class LostBlocksError extends BaseError {
  constructor(lost: readonly LostBlock[], hint: string) {
    super("content-lost", `${lost.length} blocks are needed and are not here.`, { hints: [hint] });
  }
}

const list = defineCommand({
  meta: { name: "list", description: "List what the store keeps, and why" },
  args: { ...storeArgs, reason: { type: "string", description: "only what is kept for this, such as record" } },
  run: ({ args }) =>
    withAgentStore(args.config, async (store) => {
      const roots = [];
      for await (const root of store.pins.list()) {
        if (args.reason === undefined || root.reason === args.reason) roots.push(root);
      }
      let blocks = 0;
      let bytes = 0;
      for await (const block of store.blocks()) {
        blocks += 1;
        bytes += block.bytes;
      }
      if (args.json) return printJson({ blocks, bytes, roots });
      printTable(
        roots.map(({ reason, cid, scope, since, name }) => ({
          reason,
          cid,
          scope,
          since: formatTime(Math.floor(since / 1_000)),
          name: name === `${reason}/${cid}` ? "" : name,
        })),
        "Nothing is kept.",
      );
      process.stdout.write(`\n${roots.length} roots; ${blocks} blocks, ${formatBytes(bytes)} in all\n`);
    }),
});

const collect = defineCommand({
  meta: { name: "collect", description: "Remove blocks that nothing keeps" },
  args: {
    ...storeArgs,
    "dry-run": { type: "boolean", description: "say what would be removed, and remove nothing", default: false },
    grace: { type: "string", description: "leave what came this recently: 90s, 30m, 24h, 7d", default: "24h" },
  },
  run: ({ args }) => {
    const graceMs = parseDuration(args.grace);
    return withAgentStore(args.config, async (store) => {
      const line = progressLine(args.json);
      const collected = await store
        .gc({ dryRun: args["dry-run"], graceMs, onProgress: (blocks) => line.show(`${blocks} blocks`) })
        .finally(line.end);
      const { dryRun, pins, kept, spared, removed, removedBytes, missing } = collected;
      if (args.json) printJson(collected);
      else {
        printFacts({
          kept: `${kept} blocks, by ${pins} roots`,
          spared: `${spared} blocks, kept by nothing`,
          [dryRun ? "would go" : "removed"]: `${removed} blocks, ${formatBytes(removedBytes)}`,
        });
        printLost(missing);
      }
      if (missing.length > 0) {
        throw new LostBlocksError(
          missing,
          "Nothing was removed. Fetch them by `witan content scan`, or drop their roots.",
        );
      }
    });
  },
});

export const scan = defineCommand({
  meta: { name: "scan", description: "Check every block, and fetch from peers what is altered or missing" },
  args: { ...storeArgs, offline: { type: "boolean", description: "connect to nobody", default: false } },
  run: ({ args }) =>
    (args.offline ? withAgentStore : withAgentNode)(args.config, async (store) => {
      const line = progressLine(args.json);
      const scanned = await store
        .scrub({
          onProgress: ({ blocks, bytes, bad }) => line.show(`${blocks} blocks, ${formatBytes(bytes)}, ${bad} bad`),
        })
        .finally(line.end);
      const { blocks, bytes, bad, healed, lost } = scanned;
      if (args.json) printJson(scanned);
      else {
        printFacts({ checked: `${blocks} blocks, ${formatBytes(bytes)}`, bad, healed, lost: lost.length });
        printLost(lost);
      }
      if (lost.length > 0) throw new LostBlocksError(lost, "Scan again when a peer that has them is there.");
    }),
});

const drop = defineCommand({
  meta: { name: "drop", description: "Stop keeping something, so that a collection removes it" },
  args: { ...storeArgs, name: { type: "positional", description: "the root's name", required: true } },
  run: ({ args }) =>
    withAgentStore(args.config, async (store) => {
      if (!(await store.pins.drop(args.name))) throw new InvalidInputError(`Nothing is kept as ${args.name}.`);
      if (args.json) return printJson({ dropped: args.name });
      printFacts({ dropped: args.name });
    }),
});

function printLost(lost: readonly LostBlock[]): void {
  if (lost.length === 0) return;
  process.stdout.write("\n");
  printTable(
    lost.map(({ cid, pins }) => ({ missing: cid, "needed by": pins.join(", ") || "nothing" })),
    "",
  );
}

const UNITS: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** Milliseconds of a time such as 90s, 30m, 24h or 7d. */
export function parseDuration(text: string): number {
  const [, amount, unit = ""] = /^(\d{1,6})([smhd])$/.exec(text) ?? [];
  if (amount === undefined) throw new InvalidInputError(`A time is such as 90s, 30m, 24h or 7d, not "${text}".`);
  return Number(amount) * (UNITS[unit] ?? 0);
}

export const content = defineCommand({
  meta: { name: "content", description: "The blocks of an agent that does not run" },
  subCommands: { list, collect, scan, drop },
});

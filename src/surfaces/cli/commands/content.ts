import { type ArgsDef, type CommandDef, defineCommand } from "citty";
import { BaseError, InvalidInputError } from "../../../errors.js";
import type { LostBlock, Pin } from "../../../ports/content/index.js";
import { formatTime, printFacts, printJson, printLine, printNote, printTable } from "../output/print.js";
import { formatBytes, progressLine } from "../output/progress.js";
import { withAgentNode, withAgentStore } from "../store.js";

const storeArgs = {
  config: { type: "string", description: "the agent's configuration file", required: true, valueHint: "FILE" },
  json: { type: "boolean", description: "print JSON for programs", default: false },
} as const;

/** Blocks that pins need and that cannot be had. */
export class LostBlocksError extends BaseError {
  constructor(lost: readonly LostBlock[], hint: string) {
    super("content-lost", `${lost.length} blocks are needed and are not here.`, { hints: [hint] });
  }
}

const pins = defineCommand({
  meta: { name: "pins", description: "List what the store keeps, and why" },
  args: { ...storeArgs, reason: { type: "string", description: "only pins of this reason, such as record" } },
  run: ({ args }) =>
    withAgentStore(args.config, async (store) => {
      const found: Pin[] = [];
      for await (const pin of store.pins.list()) {
        if (args.reason === undefined || pin.reason === args.reason) found.push(pin);
      }
      let blocks = 0;
      let bytes = 0;
      for await (const block of store.blocks()) {
        blocks += 1;
        bytes += block.bytes;
      }
      if (args.json) return printJson({ blocks, bytes, pins: found });
      printTable(
        found.map(({ reason, cid, scope, since, name }) => ({
          reason,
          cid,
          scope,
          since: formatTime(Math.floor(since / 1_000)),
          name: name === `${reason}/${cid}` ? "" : name,
        })),
        "There are no pins.",
      );
      printLine();
      printLine(`${found.length} pins; ${blocks} blocks, ${formatBytes(bytes)} in all`);
    }),
});

const pin = defineCommand({
  meta: { name: "pin", description: "Keep content from now on" },
  args: {
    ...storeArgs,
    cid: { type: "positional", description: "what to keep", required: true },
    name: { type: "string", description: "the pin's name; {reason}/{cid} by default" },
    reason: { type: "string", description: "why it is kept", default: "operator" },
    block: { type: "boolean", description: "this block alone, not what it links to", default: false },
  },
  run: ({ args }) =>
    withAgentStore(args.config, async (store) => {
      const { cid, reason, name = `${reason}/${cid}` } = args;
      await store.pins.set({ name, cid, reason, scope: args.block ? "block" : "tree" });
      if (args.json) return printJson({ pinned: name });
      printFacts({ pinned: name });
    }),
});

const unpin = defineCommand({
  meta: { name: "unpin", description: "Remove a pin, so that gc removes what no other pin reaches" },
  args: { ...storeArgs, name: { type: "positional", description: "the pin's name", required: true } },
  run: ({ args }) =>
    withAgentStore(args.config, async (store) => {
      if (!(await store.pins.drop(args.name))) throw new InvalidInputError(`There is no pin named ${args.name}.`);
      if (args.json) return printJson({ unpinned: args.name });
      printFacts({ unpinned: args.name });
    }),
});

const gc = defineCommand({
  meta: { name: "gc", description: "Remove blocks that no pin needs" },
  args: {
    ...storeArgs,
    "dry-run": { type: "boolean", description: "say what would be removed, and remove nothing", default: false },
    grace: { type: "string", description: "leave what came this recently: 90s, 30m, 24h, 7d", default: "24h" },
  },
  run: ({ args }) => {
    const graceMs = parseDuration(args.grace);
    return withAgentStore(args.config, async (store) => {
      const line = progressLine(args.json);
      const result = await store
        .gc({ dryRun: args["dry-run"], graceMs, onProgress: (blocks) => line.show(`${blocks} blocks`) })
        .finally(line.end);
      const { dryRun, kept, spared, removed, removedBytes, missing } = result;
      if (args.json) printJson(result);
      else {
        printFacts({
          kept: `${kept} blocks, by ${result.pins} pins`,
          spared: `${spared} blocks, kept by nothing`,
          [dryRun ? "would go" : "removed"]: `${removed} blocks, ${formatBytes(removedBytes)}`,
        });
        printLost(missing);
      }
      if (missing.length > 0) {
        throw new LostBlocksError(
          missing,
          "Nothing was removed. Fetch them by `witan content scrub`, or remove their pins by `witan content unpin`.",
        );
      }
    });
  },
});

export const scrub = defineCommand({
  meta: { name: "scrub", description: "Check every block, and fetch from peers what is altered or missing" },
  args: { ...storeArgs, offline: { type: "boolean", description: "connect to no peer", default: false } },
  run: ({ args }) =>
    (args.offline ? withAgentStore : withAgentNode)(args.config, async (store) => {
      const line = progressLine(args.json);
      const result = await store
        .scrub({
          onProgress: ({ blocks, bytes, bad }) => line.show(`${blocks} blocks, ${formatBytes(bytes)}, ${bad} bad`),
        })
        .finally(line.end);
      const { blocks, bytes, bad, healed, lost } = result;
      if (args.json) printJson(result);
      else {
        printFacts({ checked: `${blocks} blocks, ${formatBytes(bytes)}`, bad, healed, lost: lost.length });
        printLost(lost);
      }
      if (lost.length > 0) throw new LostBlocksError(lost, "Scrub again when a peer that has them is connected.");
    }),
});

/** A command under its name of before, for one version. */
function renamed<Args extends ArgsDef>(before: string, now: string, command: CommandDef<Args>): CommandDef<Args> {
  return {
    ...command,
    meta: { name: before, description: `The same as ${now}`, hidden: true },
    setup: () => {
      printNote(
        `\`witan content ${before}\` is now \`witan content ${now}\`; the old name goes with the next version.`,
      );
    },
  };
}

function printLost(lost: readonly LostBlock[]): void {
  if (lost.length === 0) return;
  printLine();
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
  subCommands: {
    pins,
    pin,
    unpin,
    gc,
    scrub,
    list: renamed("list", "pins", pins),
    drop: renamed("drop", "unpin", unpin),
    collect: renamed("collect", "gc", gc),
    scan: renamed("scan", "scrub", scrub),
  },
});

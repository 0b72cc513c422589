#!/usr/bin/env node
import { type ArgsDef, type CommandDef, defineCommand, runCommand, showUsage } from "citty";
import { BaseError } from "../../errors.js";
import { backup, restore } from "./commands/backup.js";
import { catalog } from "./commands/catalog.js";
import { content } from "./commands/content.js";
import { directive } from "./commands/directive.js";
import { incident } from "./commands/incident.js";
import { init } from "./commands/init.js";
import { model } from "./commands/model.js";
import { node } from "./commands/node.js";
import { proposal } from "./commands/proposal/proposal.js";
import { record } from "./commands/record/record.js";
import { exitCodeOf } from "./exitCodes.js";

const main = defineCommand({
  meta: { name: "witan", description: "Nodes that remember together and decide together" },
  subCommands: {
    // Loaded when it is wanted: the agent brings an IPFS node along.
    agent: () => import("./commands/agent.js").then((module) => module.agent),
    node,
    record,
    incident,
    proposal,
    directive,
    model,
    content,
    catalog,
    backup,
    restore,
    init,
  },
});

/** The usage of the command that the words name, as far as they name one. */
async function showUsageOf(words: readonly string[]): Promise<void> {
  let command: CommandDef<ArgsDef> = main as CommandDef<ArgsDef>;
  let parent: CommandDef<ArgsDef> | undefined;
  for (const word of words) {
    const commands = await resolved(command.subCommands);
    const found = word.startsWith("-") ? undefined : commands?.[word];
    if (found === undefined) break;
    parent = command;
    command = (await resolved(found)) as CommandDef<ArgsDef>;
  }
  await showUsage(command, parent);
}

/** What citty lets be given as it is, as a promise of it, or as a function that gives either. */
async function resolved<T>(given: T | Promise<T> | (() => T | Promise<T>) | undefined): Promise<T | undefined> {
  return typeof given === "function" ? (given as () => T | Promise<T>)() : given;
}

const rawArgs = process.argv.slice(2);
try {
  if (rawArgs.length === 0 || rawArgs.includes("--help") || rawArgs.includes("-h")) await showUsageOf(rawArgs);
  else await runCommand(main, { rawArgs });
} catch (error) {
  const text = error instanceof BaseError ? error.message : error instanceof Error ? error.message : String(error);
  process.stderr.write(`witan: ${text}\n`);
  process.exitCode = exitCodeOf(error);
}

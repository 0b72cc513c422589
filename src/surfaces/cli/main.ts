#!/usr/bin/env node
import { type ArgsDef, type CommandDef, runCommand, showUsage } from "citty";
import { BaseError } from "../../errors.js";
import { exitCodeOf } from "./exitCodes.js";
import { witan } from "./witan.js";

/** Prints the usage of the deepest command that the words name. */
async function showUsageOf(words: readonly string[]): Promise<void> {
  let command: CommandDef<ArgsDef> = witan as CommandDef<ArgsDef>;
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

/** Citty takes a value, a promise of it, or a function that returns either. */
async function resolved<T>(given: T | Promise<T> | (() => T | Promise<T>) | undefined): Promise<T | undefined> {
  return typeof given === "function" ? (given as () => T | Promise<T>)() : given;
}

const rawArgs = process.argv.slice(2);
try {
  if (rawArgs.length === 0 || rawArgs.includes("--help") || rawArgs.includes("-h")) await showUsageOf(rawArgs);
  else await runCommand(witan, { rawArgs });
} catch (error) {
  const text = error instanceof BaseError ? error.message : error instanceof Error ? error.message : String(error);
  process.stderr.write(`witan: ${text}\n`);
  process.exitCode = exitCodeOf(error);
}

#!/usr/bin/env node
import { type ArgsDef, type CommandDef, runCommand, showUsage } from "citty";
import { exitCodeOf } from "./exitCodes.js";
import { assertOptions } from "./input/assertOptions.js";
import { endWithReader } from "./output/closedPipe.js";
import { printError } from "./output/print.js";
import { witan } from "./witan.js";

/** The deepest command that the words name, its parent, the words that follow it, and the command that runs. */
async function commandOf(words: readonly string[]) {
  let command: CommandDef<ArgsDef> = witan as CommandDef<ArgsDef>;
  let parent: CommandDef<ArgsDef> | undefined;
  let depth = 0;
  for (const word of words) {
    const commands = await resolved(command.subCommands);
    const found = word.startsWith("-") ? undefined : commands?.[word];
    if (found === undefined) break;
    parent = command;
    command = (await resolved(found)) as CommandDef<ArgsDef>;
    depth += 1;
  }
  const preset = command.default === undefined ? undefined : await resolved(command.default);
  const commands = await resolved(command.subCommands);
  const chosen = preset === undefined ? undefined : await resolved(commands?.[preset]);
  return { command, parent, rest: words.slice(depth), chosen: (chosen as CommandDef<ArgsDef> | undefined) ?? command };
}

/** Citty takes a value, a promise of it, or a function that returns either. */
async function resolved<T>(given: T | Promise<T> | (() => T | Promise<T>) | undefined): Promise<T | undefined> {
  return typeof given === "function" ? (given as () => T | Promise<T>)() : given;
}

const rawArgs = process.argv.slice(2);
// An agent outlives the readers of its output.
if (rawArgs[0] !== "agent") endWithReader(process);
try {
  const { chosen, command, parent, rest } = await commandOf(rawArgs);
  if (rawArgs.length === 0 || rawArgs.includes("--help") || rawArgs.includes("-h")) await showUsage(command, parent);
  else {
    // A group of commands has no options of its own: citty says then which command is missing or unknown.
    if (chosen.subCommands === undefined) assertOptions(rest, (await resolved(chosen.args)) ?? {});
    await runCommand(witan, { rawArgs });
  }
} catch (error) {
  printError(error);
  process.exitCode = exitCodeOf(error);
}

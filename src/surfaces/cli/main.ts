#!/usr/bin/env node
import { defineCommand, runCommand, showUsage } from "citty";
import { BaseError } from "../../errors.js";
import { directive } from "./commands/directive.js";
import { init } from "./commands/init.js";
import { model } from "./commands/model.js";
import { node } from "./commands/node.js";
import { proposal } from "./commands/proposal.js";
import { record } from "./commands/record.js";
import { exitCodeOf } from "./exitCodes.js";

const main = defineCommand({
  meta: { name: "witan", description: "Nodes that remember together and decide together" },
  subCommands: {
    // Loaded when it is wanted: the agent brings an IPFS node along.
    agent: () => import("./commands/agent.js").then((module) => module.agent),
    council: () => import("./commands/council.js").then((module) => module.council),
    node,
    record,
    proposal,
    directive,
    model,
    init,
  },
});

const rawArgs = process.argv.slice(2);
try {
  if (rawArgs.length === 0 || rawArgs.includes("--help") || rawArgs.includes("-h")) await showUsage(main);
  else await runCommand(main, { rawArgs });
} catch (error) {
  const text = error instanceof BaseError ? error.message : error instanceof Error ? error.message : String(error);
  process.stderr.write(`witan: ${text}\n`);
  process.exitCode = exitCodeOf(error);
}

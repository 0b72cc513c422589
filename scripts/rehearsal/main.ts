import { defineCommand, runCommand, showUsage } from "citty";
import { InvalidInputError, messageOf } from "../../src/errors.js";
import { exitCodeOf } from "../../src/surfaces/cli/exitCodes.js";
import { networkArgs } from "../../src/surfaces/cli/input/args.js";
import { readNetwork } from "../../src/surfaces/cli/input/network.js";
import { printFacts, printJson, printTable } from "../../src/surfaces/cli/output/print.js";
import { turnoutBar } from "../../src/surfaces/cli/output/turnoutBar.js";
import { LogLevels } from "../../src/utils/logger.js";
import { type Progress, type Rehearsal, rehearse } from "./rehearse.js";

/** Rehearses a large committee on this machine: a DAO of its own on a development chain, real keys, gossip and tallies. */
const rehearsal = defineCommand({
  meta: { name: "rehearsal", description: "Rehearse a large committee on a development chain" },
  args: {
    ...networkArgs,
    nodes: { type: "string", description: "how many nodes vote", default: "50" },
    processes: {
      type: "string",
      description: "how many processes they are spread over; default: the number of processors, at most 4",
    },
    hostile: { type: "string", description: "percent of them that attack instead of voting", default: "0" },
    silent: { type: "string", description: "percent of them that are members and do not run", default: "0" },
    proposals: { type: "string", description: "how many votes, one after another", default: "1" },
    log: { type: "string", description: `log level of the processes: ${LogLevels.join(", ")}`, default: "error" },
  },
  run: async ({ args }) => {
    const rpcUrl = args.rpc ?? (await readNetwork(args.network)).rpc;
    const logLevel = LogLevels.find((level) => level === args.log);
    if (logLevel === undefined) throw new InvalidInputError(`--log is one of ${LogLevels.join(", ")}.`);
    const result = await rehearse({
      rpcUrl,
      nodes: number("nodes", args.nodes),
      processes: args.processes === undefined ? undefined : number("processes", args.processes),
      hostile: number("hostile", args.hostile),
      silent: number("silent", args.silent),
      proposals: number("proposals", args.proposals),
      logLevel,
      onProgress: createReporter((line) => process.stderr.write(`${line}\n`)),
    });
    if (args.json) return printJson(result);
    report(result);
  },
});

/** Prints the progress on standard error, so that standard output has only the result. */
function createReporter(write: (line: string) => void): (progress: Progress) => void {
  const words = { keys: "keys made", admitted: "nodes admitted", hosts: "processes run" } as const;
  return (progress) => {
    if (progress.step === "opened") write(`proposal ${progress.proposalId.slice(0, 10)}… is open`);
    else if (progress.step === "turnout") {
      const { votes, of, seconds, state } = progress;
      write(`${seconds.toFixed(1).padStart(6)}s ${turnoutBar(votes, of)} ${state}`);
    } else write(`${progress.count} of ${progress.of} ${words[progress.step]}`);
  };
}

function report({ nodes, votes, hosts }: Rehearsal): void {
  process.stdout.write("\n");
  printTable(
    votes.map(({ proposalId, seconds, votes: tally, transactions }) => ({
      proposal: `${proposalId.slice(0, 10)}…`,
      seconds: seconds.toFixed(1),
      for: tally.for,
      against: tally.against,
      abstain: tally.abstain,
      of: nodes,
      transactions: transactions.length,
      "gas in all": transactions.reduce((sum, { gasUsed }) => sum + gasUsed, 0).toLocaleString("en"),
    })),
    "Nothing was voted on.",
  );
  process.stdout.write("\n");
  printTable(
    hosts.map(({ name, nodes: own, maxRss, cpuMs, counts }) => ({
      process: name,
      nodes: own,
      "memory MB": Math.round(maxRss / 1e6),
      "cpu s": (cpuMs / 1_000).toFixed(1),
      accepted: counts.accepted,
      refused: counts.malformed + counts.badSignatures + counts.notMembers,
      equivocations: counts.equivocations,
      "over limit": counts.overLimit,
      checks: counts.checks,
    })),
    "",
  );
  const memory = hosts.reduce((sum, { maxRss }) => sum + maxRss, 0);
  process.stdout.write("\n");
  printFacts({ "memory of all processes": `${Math.round(memory / 1e6)} MB` });
}

function number(name: string, text: string): number {
  if (/^\d{1,6}$/.test(text)) return Number(text);
  throw new InvalidInputError(`--${name} is a whole number, not "${text}".`);
}

const rawArgs = process.argv.slice(2);
try {
  if (rawArgs.includes("--help") || rawArgs.includes("-h")) await showUsage(rehearsal);
  else await runCommand(rehearsal, { rawArgs });
} catch (error) {
  process.stderr.write(`rehearsal: ${messageOf(error)}\n`);
  process.exitCode = exitCodeOf(error);
}

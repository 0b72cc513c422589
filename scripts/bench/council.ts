import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { type BlsLibrary, createBlsKey, loadBls, verifySignatureSets } from "../../src/ports/keys/index.js";
import { systemClock } from "../../src/utils/clock.js";
import type { Rehearsal } from "../rehearsal/rehearse.js";
import { startNetwork } from "../story/network.js";
import { measureDetection } from "./council/detection.js";
import { measureSuspension } from "./council/suspension.js";
import type { Bench } from "./run.js";

const MAIN = join(import.meta.dirname, "..", "rehearsal", "main.ts");
const HOSTILE_PERCENT = 10;
const SILENT_PERCENT = 40;

/**
 * Measures votes of a large committee on this machine, from proposal to tally: all nodes honest, then one in ten hostile, then
 * two in five silent. Of the silent ones it also measures how soon the others know, what it costs to suspend them, and how
 * many nodes can stop that.
 */
export async function bench(args: readonly string[]): Promise<Bench> {
  const { values } = parseArgs({ args: [...args], options: { nodes: { type: "string", default: "500" } } });
  const nodes = Number(values.nodes);
  const { honest, hostile, silent, chainMaxRssMB } = await measureVotes(nodes);
  const verification = await verify(nodes);
  const seats = Math.floor((nodes * SILENT_PERCENT) / 100);
  const report = {
    bench: "council",
    nodes,
    honest,
    hostile: { percent: HOSTILE_PERCENT, ...hostile },
    silent: {
      percent: SILENT_PERCENT,
      seats,
      ...(await measureDetection(nodes, seats)),
      ...(await measureSuspension(nodes, seats)),
      vote: silent,
    },
    chainMaxRssMB,
    verification,
  };
  const table = [
    { council: "honest", ...flat(honest) },
    { council: `${HOSTILE_PERCENT} % hostile`, ...flat(hostile) },
    { council: `${SILENT_PERCENT} % silent`, ...flat(silent) },
  ];
  return { table, report };
}

/** Has the committee vote once each way, and takes what memory the chain used for it. */
async function measureVotes(nodes: number) {
  const network = await startNetwork(0);
  try {
    const honest = summary(await rehearse(network.rpc, nodes, {}));
    const hostile = summary(await rehearse(network.rpc, nodes, { hostile: HOSTILE_PERCENT }));
    const silent = summary(await rehearse(network.rpc, nodes, { silent: SILENT_PERCENT }));
    const chainMaxRssMB = Math.round((process.resourceUsage().maxRSS * 1024) / 1e6);
    return { honest, hostile, silent, chainMaxRssMB };
  } finally {
    await network.close();
  }
}

/** Runs the rehearsal's command, with these percents of the nodes, and reads its JSON. */
async function rehearse(
  rpc: string,
  nodes: number,
  { hostile = 0, silent = 0 }: { readonly hostile?: number; readonly silent?: number },
): Promise<Rehearsal> {
  const options = ["--nodes", `${nodes}`, "--hostile", `${hostile}`, "--silent", `${silent}`, "--rpc", rpc, "--json"];
  const child = spawn(process.execPath, ["--import", "tsx", MAIN, ...options], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  let output = "";
  child.stdout.on("data", (chunk: Buffer) => {
    output += chunk.toString();
  });
  const code = await new Promise<number | null>((resolve) => child.on("close", resolve));
  if (code !== 0) throw new Error(`the rehearsal ended with ${code}`);
  return JSON.parse(output) as Rehearsal;
}

function summary({ processes, votes, hosts }: Rehearsal) {
  const [vote] = votes;
  if (vote === undefined) throw new Error("nothing was voted on");
  const sum = (pick: (worker: Rehearsal["hosts"][number]) => number) =>
    hosts.reduce((total, worker) => total + pick(worker), 0);
  const honest = hosts.filter(({ name }) => name !== "hostile");
  const most = (pick: (worker: Rehearsal["hosts"][number]) => number) => Math.max(...honest.map(pick));
  return {
    processes,
    seconds: vote.seconds,
    votes: vote.votes,
    transactions: vote.transactions,
    maxRssMB: Math.round(sum(({ maxRss }) => maxRss) / 1e6),
    cpuSeconds: Math.round(sum(({ cpuMs }) => cpuMs) / 100) / 10,
    hostileMessages: vote.hostileMessages,
    // Each the maximum over the honest processes.
    refused: most(({ counts }) => counts.malformed + counts.badSignatures + counts.notMembers),
    badSignatures: most(({ counts }) => counts.badSignatures),
    equivocations: most(({ counts }) => counts.equivocations),
    overLimit: most(({ counts }) => counts.overLimit),
    pairingChecks: most(({ counts }) => counts.checks),
  };
}

function flat({ votes, transactions, ...rest }: ReturnType<typeof summary>) {
  return { ...rest, for: votes.for, transactions: transactions.length };
}

/** Measures how long one process takes to verify and aggregate a committee's ballots: all valid, then one in ten invalid. */
async function verify(count: number) {
  const bls = await loadBls();
  const digest = randomBytes(32);
  const secrets = Array.from({ length: count }, createBlsKey);
  const good = secrets.map((secret) => ({
    key: bls.publicKey(secret),
    digests: [digest],
    signature: bls.sign(secret, digest),
  }));
  const bad = good.map((ballot, i) =>
    i % 10 === 0 ? { ...ballot, signature: bls.sign(secrets[i] ?? digest, randomBytes(32)) } : ballot,
  );
  // A node decodes a member's key once: the first pass does it here.
  await verifySignatureSets(bls, good);
  return { library: bls.name, good: await time(bls, good), oneInTenBad: await time(bls, bad) };
}

async function time(bls: BlsLibrary, ballots: Parameters<typeof verifySignatureSets>[1]) {
  const started = systemClock.monotonic();
  const { bad, checks } = await verifySignatureSets(bls, ballots);
  const isBad = new Set(bad);
  bls.aggregate(ballots.filter((_ballot, i) => !isBad.has(i)).map(({ signature }) => signature));
  return { ms: Math.round(systemClock.monotonic() - started), bad: bad.length, checks };
}

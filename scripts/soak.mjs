// Repeats long seeded tests: `npm run soak -- NAME [--seed S] [--minutes N] [--kills K] [--short]`. Each pass takes the next seed,
// until N minutes have passed; by default there is one pass. The story has K kills; of the faults `--short` takes a third. Without a name, lists what there is. The last
// line is JSON.
import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";

const root = join(import.meta.dirname, "..");
const VITEST = "node_modules/vitest/vitest.mjs";
const MS_PER_MINUTE = 60_000;

/** Tests that have a long form, by what they soak; `about` is the time of one pass on two cores. */
const SOAKS = {
  absent: ["agents that stay dead, are suspended, and return and vote", "4 min", "test/e2e/absent"],
  catalog: ["an index through kills, reorganisations and random queries", "2 min", "test/catalog"],
  content: ["a content store beside hostile, frozen and killed peers", "2 min", "test/ports/content"],
  engines: ["rollouts and rounds whose executors are killed at every step", "2 min", "test/engines"],
  faults: ["agents and a fleet under mixed faults, and their whole history checked", "3 min", "test/e2e/faults"],
  hosts: ["hosts that carry out rollouts over processes of their own, heal and turn back", "5 min", "test/e2e/hosts"],
  kills: [
    "stores, backups, outboxes and indexes, each killed twelve to twenty times",
    "1 min",
    "test/agent/outbox/crash",
    "test/catalog/kill",
    "test/ports/content/backup/backupCrash",
    "test/ports/content/backup/restoreCrash",
    "test/ports/content/store/fullDisk",
    "test/ports/content/store/gcCrash",
    "test/ports/content/store/repairCrash",
  ],
  mesh: [
    "partitions, hostile peers and stragglers of ballots, attestations and joint anchors",
    "3 min",
    "test/agent/aggregation",
    "test/agent/ballots",
    "test/agent/attestations",
    "test/agent/anchoring",
  ],
  properties: [
    "properties of records, policies, contracts and ports under another seed",
    "3 min",
    "test/records",
    "test/policy",
    "test/contracts",
    "test/ports/chain",
    "test/ports/keys",
  ],
  replication: ["a mesh that loses nodes and expires records", "1 min", "test/agent/replication"],
  simulation: ["rules of votes, motions and presence on models, under another seed", "1 min", "test/simulation"],
  solidity: ["fuzz and invariants of the contracts under another seed", "2 min"],
  story: ["the whole story, with twenty kills of agents", "3 min", "test/e2e/story"],
};

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    seed: { type: "string", default: "1" },
    minutes: { type: "string", default: "0" },
    kills: { type: "string", default: "20" },
    short: { type: "boolean", default: false },
  },
});
const [name] = positionals;
const soak = SOAKS[name];
if (soak === undefined) {
  const list = Object.entries(SOAKS).map(([each, [what, about]]) => `  ${each.padEnd(12)} ${what}; one pass: ${about}`);
  process.stderr.write(
    `${name === undefined ? "" : `There is no soak "${name}". `}npm run soak -- NAME [--seed S] [--minutes N] [--kills K] [--short]\n${list.join("\n")}\n`,
  );
  process.exit(name === undefined ? 0 : 2);
}
const firstSeed = Number(values.seed);
const minutes = Number(values.minutes);
const kills = Number(values.kills);
if (!Number.isInteger(firstSeed) || firstSeed < 1 || !(minutes >= 0) || !Number.isInteger(kills) || kills < 0) {
  process.stderr.write("A seed is a whole number from 1 on, kills are one from 0 on, and minutes are 0 or more.\n");
  process.exit(2);
}

/** The folder for temporary files, deleted at the end with what tests leave behind. */
const temporary = mkdtempSync(join(tmpdir(), "witan-soak-"));
process.on("exit", () => rmSync(temporary, { recursive: true, force: true }));
for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => process.exit(1));

function run(seed, file, ...args) {
  const env = {
    ...process.env,
    TMPDIR: temporary,
    NODE_COMPILE_CACHE: join(root, "node_modules", ".cache", "compiled"),
    HARDHAT_DISABLE_TELEMETRY_PROMPT: "true",
    NO_COLOR: "1",
    FORCE_COLOR: "0",
    WITAN_SOAK_SEED: String(seed),
    WITAN_SOAK_KILLS: values.kills,
    WITAN_SOAK_SHORT: values.short ? "1" : "0",
  };
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [join(root, file), ...args], {
      cwd: root,
      env,
      stdio: ["ignore", "pipe", "inherit"],
    });
    let output = "";
    child.stdout.setEncoding("utf8");
    child.stdout.on("data", (text) => {
      output += text;
      process.stdout.write(text);
    });
    child.once("error", reject);
    child.once("close", (code) => resolve({ code, output }));
  });
}

const sum = (output, pattern) => [...output.matchAll(pattern)].reduce((total, [, count]) => total + Number(count), 0);

async function soakSolidity(seed) {
  const args = ["--config", "hardhat.soak.config.ts", "test", "solidity"];
  const { code, output } = await run(seed, "node_modules/hardhat/dist/src/cli.js", ...args);
  return { code, passed: sum(output, /(\d+) passing/g), failed: sum(output, /(\d+) failing/g), skipped: 0 };
}

async function soakTests(seed, paths) {
  const report = join(temporary, `report-${seed}.json`);
  const reporters = ["--reporter=default", "--reporter=json", `--outputFile=${report}`];
  const { code } = await run(seed, VITEST, "run", ...reporters, ...paths);
  const { numPassedTests, numFailedTests, numPendingTests } = JSON.parse(readFileSync(report, "utf8"));
  return { code, passed: numPassedTests, failed: numFailedTests, skipped: numPendingTests };
}

const [, , ...paths] = soak;
const began = performance.now();
const total = { name, seed: firstSeed, passes: 0, passed: 0, failed: 0, skipped: 0, failedSeeds: [], seconds: 0 };
do {
  const seed = firstSeed + total.passes;
  const { code, passed, failed, skipped } = await (paths.length === 0 ? soakSolidity(seed) : soakTests(seed, paths));
  total.passes++;
  total.passed += passed;
  // A run that breaks before it tests anything has failed as well.
  total.failed += code !== 0 && failed === 0 ? 1 : failed;
  total.skipped += skipped;
  if (code !== 0) total.failedSeeds.push(seed);
  total.seconds = Math.round((performance.now() - began) / 1000);
} while (performance.now() - began < minutes * MS_PER_MINUTE);

process.stdout.write(`${JSON.stringify(total)}\n`);
process.exitCode = total.failed > 0 ? 1 : 0;

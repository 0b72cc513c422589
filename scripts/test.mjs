// Runs all tests: the contracts' own (Solidity: fuzz and invariants, with coverage), then those of `src/` (vitest, with
// coverage), then the whole story, by itself since it has deadlines. Ends with one line that adds both up, and fails when anything failed or coverage is below its bound.
import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";

const root = join(import.meta.dirname, "..");
const CONTRACT_LINES = 0.9;
const environment = { ...process.env, HARDHAT_DISABLE_TELEMETRY_PROMPT: "true", FORCE_COLOR: "0", NO_COLOR: "1" };

function run(what, file, args) {
  process.stdout.write(`\n== ${what}\n`);
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [join(root, file), ...args], { cwd: root, env: environment });
    let output = "";
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding("utf8");
      stream.on("data", (text) => {
        output += text;
        process.stdout.write(text);
      });
    }
    child.once("error", reject);
    child.once("close", (code) => resolve({ code, output }));
  });
}

const count = (output, pattern) => [...output.matchAll(pattern)].reduce((sum, match) => sum + Number(match[1]), 0);

/** Lines of `contracts/` that the Solidity tests ran, from the lcov file that Hardhat leaves. */
function contractCoverage() {
  let found = 0;
  let hit = 0;
  let inContracts = false;
  for (const line of readFileSync(join(root, "coverage", "lcov.info"), "utf8").split("\n")) {
    if (line.startsWith("SF:")) inContracts = /(^SF:|\/)contracts\//.test(line) && !line.includes("test/");
    else if (inContracts && line.startsWith("LF:")) found += Number(line.slice(3));
    else if (inContracts && line.startsWith("LH:")) hit += Number(line.slice(3));
  }
  return found === 0 ? 0 : hit / found;
}

async function build(what) {
  const { code } = await run(what, "scripts/build.mjs", []);
  if (code !== 0) process.exit(1);
}

const only = process.argv.slice(2);
// Whoever has just built says so.
if (process.env.WITAN_BUILT !== "1") await build("Build");

let passed = 0;
let failed = 0;
let skipped = 0;
let broken = false;
if (only.length === 0) {
  const solidity = await run("Contracts: fuzz and invariants", "node_modules/hardhat/dist/src/cli.js", [
    "test",
    "solidity",
    "--coverage",
  ]);
  passed += count(solidity.output, /(\d+) passing/g);
  failed += count(solidity.output, /(\d+) failing/g);
  const share = contractCoverage();
  process.stdout.write(`Lines of contracts/ covered: ${(share * 100).toFixed(2)} %\n`);
  broken ||= solidity.code !== 0 || share < CONTRACT_LINES;
  // Coverage leaves contracts with counters in them, too large to deploy, in the place of the real ones.
  await build("Build again, without counters");
}

async function vitest(what, args) {
  const { code, output } = await run(what, "node_modules/vitest/vitest.mjs", ["run", ...args]);
  const summary = output
    .split("\n")
    .filter((line) => /^\s*Tests\s/.test(line))
    .join("\n");
  passed += count(summary, /(\d+) passed/g);
  failed += count(summary, /(\d+) failed/g);
  skipped += count(summary, /(\d+) skipped/g);
  broken ||= code !== 0;
}
if (only.length === 0) {
  await vitest("The sources", ["--coverage", "--exclude", "test/e2e/**"]);
  await vitest("The story, with kills, and a council", ["test/e2e", "--no-file-parallelism"]);
} else {
  await vitest("The tests asked for", only);
}

process.stdout.write(`\n${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ""}\n`);
process.exit(broken || failed > 0 || passed === 0 ? 1 : 0);

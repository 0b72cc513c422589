// Runs all tests: those of `src/` (vitest, with coverage), then the whole story, by itself since it has deadlines. The
// contracts' own (Solidity: fuzz and invariants, with coverage) run beside all of it, in the time that the others leave. `--checks` adds lint, types, unused
// exports and the package's shape, `--soaks` one pass of the short soaks. The last line adds all up; the exit code is not
// zero if anything failed or coverage is below its bound.
import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { constants, setPriority, tmpdir } from "node:os";
import { join } from "node:path";

const root = join(import.meta.dirname, "..");
const CONTRACT_LINES = 0.9;
/** One pass of each, side by side, since the story waits much of its time; under four minutes on two cores. */
const SHORT_SOAKS = [["kills"], ["story", "--kills", "5"], ["faults", "--short"]];
/** The folder for temporary files, deleted at the end with what tests leave behind. */
const temporary = mkdtempSync(join(tmpdir(), "witan-test-"));
process.on("exit", () => rmSync(temporary, { recursive: true, force: true }));
for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => process.exit(1));
const environment = {
  ...process.env,
  TMPDIR: temporary,
  // Processes that tests start load the same libraries again and again.
  NODE_COMPILE_CACHE: join(root, "node_modules", ".cache", "compiled"),
  HARDHAT_DISABLE_TELEMETRY_PROMPT: "true",
  FORCE_COLOR: "0",
  NO_COLOR: "1",
};

/** Runs a program and shows its output: at once, or at its end if it runs beside another. An idle one yields to all others. */
function run(what, file, args, { beside = false, idle = false } = {}) {
  if (!beside) process.stdout.write(`\n== ${what}\n`);
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [join(root, file), ...args], { cwd: root, env: environment });
    if (idle && child.pid !== undefined) setPriority(child.pid, constants.priority.PRIORITY_BELOW_NORMAL);
    let output = "";
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding("utf8");
      stream.on("data", (text) => {
        output += text;
        if (!beside) process.stdout.write(text);
      });
    }
    child.once("error", reject);
    child.once("close", (code) => {
      if (beside) process.stdout.write(`\n== ${what}\n${output}`);
      resolve({ code, output });
    });
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

const checks = process.argv.includes("--checks");
const soaks = process.argv.includes("--soaks");
const only = process.argv.slice(2).filter((argument) => argument !== "--checks" && argument !== "--soaks");
let passed = 0;
let failed = 0;
let skipped = 0;

/** Counts a part as one failure when it fails without a failed test of its own. */
function fail(code, failedTests = 0) {
  failed += failedTests;
  if (code !== 0 && failedTests === 0) failed += 1;
}

function end() {
  process.stdout.write(`\n${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ""}\n`);
  process.exit(failed > 0 || passed === 0 ? 1 : 0);
}

async function build() {
  const { code } = await run("Build", "scripts/build.mjs", ["--peers"]);
  fail(code);
  // Every test needs the build.
  if (code !== 0) end();
}

async function check() {
  for (const [what, file, ...args] of [
    ["Lint", "node_modules/@biomejs/biome/bin/biome", "ci", "--error-on-warnings", "."],
    ["Types", "node_modules/typescript/bin/tsc", "--noEmit"],
    ["Unused exports", "node_modules/knip/bin/knip.js"],
    ["The package's shape", "scripts/check-package.mjs"],
  ]) {
    fail((await run(what, file, args)).code);
  }
}

async function contracts() {
  const { code, output } = await run(
    "Contracts: fuzz and invariants",
    "node_modules/hardhat/dist/src/cli.js",
    ["--config", "hardhat.coverage.config.ts", "test", "solidity", "--coverage"],
    { beside: true, idle: true },
  );
  passed += count(output, /(\d+) passing/g);
  fail(code, count(output, /(\d+) failing/g));
  const share = contractCoverage();
  process.stdout.write(`Lines of contracts/ covered: ${(share * 100).toFixed(2)} %\n`);
  if (share < CONTRACT_LINES) fail(1);
}

async function vitest(what, args) {
  const { code, output } = await run(what, "node_modules/vitest/vitest.mjs", ["run", ...args]);
  const summary = output
    .split("\n")
    .filter((line) => /^\s*Tests\s/.test(line))
    .join("\n");
  passed += count(summary, /(\d+) passed/g);
  skipped += count(summary, /(\d+) skipped/g);
  fail(code, count(summary, /(\d+) failed/g));
}

async function soak(args) {
  const { code, output } = await run(`Soak: ${args.join(" ")}`, "scripts/soak.mjs", args, { beside: true });
  const last = output.trimEnd().split("\n").at(-1) ?? "";
  const total = last.startsWith("{") ? JSON.parse(last) : { passed: 0, failed: 0, skipped: 0 };
  passed += total.passed;
  skipped += total.skipped;
  fail(code, total.failed);
}

if (only.length === 0) {
  const fuzzing = contracts();
  await build();
  if (checks) await check();
  await vitest("The sources", ["--coverage", "--project", "sources", "--project", "apart"]);
  await vitest("The story, with kills, and a rehearsal", ["--project", "e2e", "--no-file-parallelism"]);
  await fuzzing;
  if (soaks) await Promise.all(SHORT_SOAKS.map(soak));
} else {
  await build();
  if (checks) await check();
  await vitest("The tests asked for", only);
}
end();

// Runs all tests: the contracts' own (Solidity: fuzz and invariants, with coverage) beside the build, then those of `src/`
// (vitest, with coverage), then the whole story, by itself since it has deadlines. `--checks` adds lint, types, unused exports
// and the package's shape. Ends with one line that adds all up, and fails when anything failed or coverage is below its bound.
import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const root = join(import.meta.dirname, "..");
const CONTRACT_LINES = 0.9;
/** Whatever tests leave behind goes with it. */
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

/** What a program prints is shown as it comes, or at its end when it runs beside another. */
function run(what, file, args, { beside = false } = {}) {
  if (!beside) process.stdout.write(`\n== ${what}\n`);
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [join(root, file), ...args], { cwd: root, env: environment });
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
const only = process.argv.slice(2).filter((argument) => argument !== "--checks");
let passed = 0;
let failed = 0;
let skipped = 0;
let broken = false;

async function buildAndCheck() {
  const steps = [["Build", "scripts/build.mjs", "--peers"]];
  if (checks) {
    steps.push(
      ["Lint", "node_modules/@biomejs/biome/bin/biome", "ci", "--error-on-warnings", "."],
      ["Types", "node_modules/typescript/bin/tsc", "--noEmit"],
      ["Unused exports", "node_modules/knip/bin/knip.js"],
      ["The package's shape", "scripts/check-package.mjs"],
    );
  }
  for (const [what, file, ...args] of steps) {
    const { code } = await run(what, file, args);
    if (code !== 0) process.exit(1);
  }
}

async function contracts() {
  const solidity = await run(
    "Contracts: fuzz and invariants",
    "node_modules/hardhat/dist/src/cli.js",
    ["--config", "hardhat.coverage.config.ts", "test", "solidity", "--coverage"],
    { beside: true },
  );
  passed += count(solidity.output, /(\d+) passing/g);
  failed += count(solidity.output, /(\d+) failing/g);
  const share = contractCoverage();
  process.stdout.write(`Lines of contracts/ covered: ${(share * 100).toFixed(2)} %\n`);
  broken ||= solidity.code !== 0 || share < CONTRACT_LINES;
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
// Compiling keeps one core busy, and so does fuzzing: each has one of the two.
const fuzzing = only.length === 0 ? contracts() : undefined;
await buildAndCheck();
if (only.length === 0) {
  await vitest("The sources", ["--coverage", "--project", "sources", "--project", "apart"]);
  await fuzzing;
  await vitest("The story, with kills, and a council", ["--project", "e2e", "--no-file-parallelism"]);
} else {
  await vitest("The tests asked for", only);
}

process.stdout.write(`\n${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ""}\n`);
process.exit(broken || failed > 0 || passed === 0 ? 1 : 0);

// Runs slither over the contracts and compares what it finds with contracts/slither.json, which explains each finding of medium
// severity or higher. Needs slither (`pip install slither-analyzer`) and a build. Exit code 1 for a finding that nothing explains.
import { spawnSync } from "node:child_process";
import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

const root = join(import.meta.dirname, "..");
const builds = join(root, "artifacts", "build-info");
const openzeppelin = dirname(createRequire(import.meta.url).resolve("@openzeppelin/contracts/package.json"));
const { version } = JSON.parse(readFileSync(join(openzeppelin, "package.json"), "utf8"));

/** The newest build of each contract, without those of tests. */
function newestBuilds() {
  const used = new Set();
  for (const folder of ["nodes", "knowledge", "directives", "governance"]) {
    const at = join(root, "artifacts", "contracts", folder);
    for (const file of readdirSync(at)) {
      for (const name of readdirSync(join(at, file)).filter((each) => /^[A-Z]\w+\.json$/.test(each))) {
        const { buildInfoId } = JSON.parse(readFileSync(join(at, file, name), "utf8"));
        if (buildInfoId !== undefined) used.add(buildInfoId);
      }
    }
  }
  return [...used];
}

const dir = mkdtempSync(join(tmpdir(), "witan-slither-"));
try {
  // Hardhat names its sources so; slither looks them up as paths.
  mkdirSync(join(dir, "artifacts", "build-info"), { recursive: true });
  mkdirSync(join(dir, "npm", "@openzeppelin"), { recursive: true });
  symlinkSync(root, join(dir, "project"));
  symlinkSync(join(root, "contracts"), join(dir, "contracts"));
  symlinkSync(dirname(openzeppelin), join(dir, "@openzeppelin"));
  symlinkSync(openzeppelin, join(dir, "npm", "@openzeppelin", `contracts@${version}`));
  writeFileSync(join(dir, "hardhat.config.js"), "module.exports = {};\n");
  for (const id of newestBuilds()) {
    for (const ending of [".json", ".output.json"]) {
      copyFileSync(join(builds, `${id}${ending}`), join(dir, "artifacts", "build-info", `${id}${ending}`));
    }
  }
  const report = join(dir, "report.json");
  const { error } = spawnSync(
    "slither",
    [
      ".",
      "--ignore-compile",
      "--compile-force-framework",
      "hardhat",
      "--filter-paths",
      "npm/|@openzeppelin",
      "--json",
      report,
    ],
    { cwd: dir, stdio: ["ignore", "ignore", "inherit"] },
  );
  if (error !== undefined) throw new Error("slither is not installed: pip install slither-analyzer", { cause: error });
  const { success, error: failure, results } = JSON.parse(readFileSync(report, "utf8"));
  if (!success) throw new Error(`slither has failed: ${failure}`);
  const explained = JSON.parse(readFileSync(join(root, "contracts", "slither.json"), "utf8"));
  const severe = (results.detectors ?? []).filter(({ impact }) => impact === "High" || impact === "Medium");
  const unexplained = severe.filter(({ check, elements }) => {
    const place = elements[0];
    const within = place?.type_specific_fields?.parent;
    const outer =
      within?.type === "function" ? `${within.type_specific_fields.parent.name}.${within.name}` : within?.name;
    const name = within?.type === "function" ? outer : `${outer ?? ""}.${place?.name}`;
    return explained[check]?.[name] === undefined && explained[check]?.["*"] === undefined;
  });
  for (const { check, impact, description } of unexplained)
    process.stdout.write(`${impact} ${check}: ${description}\n`);
  process.stdout.write(`${severe.length} findings of medium severity or higher, ${unexplained.length} not explained\n`);
  process.exitCode = unexplained.length > 0 ? 1 : 0;
} finally {
  rmSync(dir, { recursive: true, force: true });
}

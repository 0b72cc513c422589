// Compiles the contracts (with their bindings) and the TypeScript, and puts the contracts' artifacts beside it. With
// `--peers` also the contracts that tests and benchmarks deploy: those that ours are compared with, and test harnesses.
import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";

const root = join(import.meta.dirname, "..");
const contracts = [
  ["nodes", "NodeRegistry"],
  ["knowledge", "KnowledgeRegistry"],
  ["knowledge", "ModelRegistry"],
  ["directives", "DirectiveRegistry"],
  ["directives", "ParameterRegistry"],
  ["governance", "NodeGovernor"],
  ["governance", "NodeTimelock"],
];

const peers = [
  "test/contracts/libraries/BLS12381Harness.sol",
  ...["OwnedWallet", "PeerToken", "RuledGovernor", "StockGovernor"].map((name) => `test/contracts/peers/${name}.sol`),
];

function run(what, file, args) {
  process.stdout.write(`${what} ...\n`);
  const { status, stdout, stderr } = spawnSync(process.execPath, [join(root, "node_modules", file), ...args], {
    cwd: root,
    encoding: "utf8",
    env: { ...process.env, HARDHAT_DISABLE_TELEMETRY_PROMPT: "true" },
  });
  if (status === 0) return;
  process.stderr.write(`${stdout}${stderr}`);
  process.exit(1);
}

const HARDHAT = "hardhat/dist/src/cli.js";
run("Compiling the contracts", HARDHAT, ["build", "--no-tests"]);
if (process.argv.includes("--peers")) {
  run("Compiling the contracts of tests and benchmarks", HARDHAT, ["build", "--no-contracts", ...peers]);
}
rmSync(join(root, "dist"), { recursive: true, force: true });
run("Compiling the TypeScript", "typescript/bin/tsc", ["-p", "tsconfig.build.json"]);
mkdirSync(join(root, "dist", "artifacts"), { recursive: true });
for (const [folder, name] of contracts) {
  const artifact = join(root, "artifacts", "contracts", folder, `${name}.sol`, `${name}.json`);
  cpSync(artifact, join(root, "dist", "artifacts", `${name}.json`));
}

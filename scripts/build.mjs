// Compiles the contracts (with their bindings) and the TypeScript, and puts the contracts' artifacts beside it.
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

run("Compiling the contracts", "hardhat/dist/src/cli.js", ["build"]);
rmSync(join(root, "dist"), { recursive: true, force: true });
run("Compiling the TypeScript", "typescript/bin/tsc", ["-p", "tsconfig.build.json"]);
mkdirSync(join(root, "dist", "artifacts"), { recursive: true });
for (const [folder, name] of contracts) {
  const artifact = join(root, "artifacts", "contracts", folder, `${name}.sol`, `${name}.json`);
  cpSync(artifact, join(root, "dist", "artifacts", `${name}.json`));
}

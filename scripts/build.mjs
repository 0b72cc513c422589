// Compiles the contracts (with their bindings) and the TypeScript, and puts the contracts' artifacts beside it. With
// `--peers` also the contracts that tests and benchmarks deploy: those that ours are compared with, and test harnesses.
import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Interface, keccak256 } from "ethers";

const root = join(import.meta.dirname, "..");
const contracts = [
  ["nodes", "NodeRegistry"],
  ["nodes", "NodePresence"],
  ["hosts", "HostRegistry"],
  ["knowledge", "KnowledgeRegistry"],
  ["knowledge", "ModelRegistry"],
  ["directives", "DirectiveRegistry"],
  ["directives", "ParameterRegistry"],
  ["directives", "PublisherRegistry"],
  ["governance", "NodeGovernor"],
  ["governance", "NodeTimelock"],
];
/** Parts of another contract, and verified with it. */
const created = [
  ["governance", "ProposalReader"],
  ["nodes", "NodeChanges"],
];

const artifactOf = (folder, name) => join(root, "artifacts", "contracts", folder, `${name}.sol`, `${name}.json`);

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
writeDeployedCode();
writeContractErrors();
rmSync(join(root, "dist"), { recursive: true, force: true });
run("Compiling the TypeScript", "typescript/bin/tsc", ["-p", "tsconfig.build.json"]);
mkdirSync(join(root, "dist", "artifacts"), { recursive: true });
for (const [folder, name] of contracts) {
  cpSync(artifactOf(folder, name), join(root, "dist", "artifacts", `${name}.json`));
}

/**
 * Writes what the code of each contract is once it is deployed, so that a deployment can be verified: its length, the hash
 * of it with zeros for the immutable values that its constructor sets, and where those are, as [start, length].
 */
function writeDeployedCode() {
  const entries = [...contracts, ...created].map(([folder, name]) => {
    const { deployedBytecode, immutableReferences } = JSON.parse(readFileSync(artifactOf(folder, name), "utf8"));
    const places = Object.values(immutableReferences)
      .flat()
      .map(({ length, start }) => [start, length])
      .sort(([a], [b]) => a - b);
    const value = { length: (deployedBytecode.length - 2) / 2, hash: keccak256(deployedBytecode), immutables: places };
    return `  ${name}: ${JSON.stringify(value)},\n`;
  });
  writeFileSync(
    join(root, "src", "ports", "chain", "bindings", "deployedCode.ts"),
    `/* Written by the build. */\nexport const deployedCode = {\n${entries.join("")}} as const;\n`,
  );
}

/**
 * Writes the custom errors of each contract, inherited ones included, as ethers reads them. The contracts' factories hold
 * them too, with all of the code, which a program that deploys nothing need not load.
 */
function writeContractErrors() {
  const entries = contracts.map(([folder, name]) => {
    const { abi } = JSON.parse(readFileSync(artifactOf(folder, name), "utf8"));
    const errors = new Interface(abi.filter(({ type }) => type === "error")).format();
    return `  ${name}: ${JSON.stringify(errors)},\n`;
  });
  writeFileSync(
    join(root, "src", "ports", "chain", "bindings", "contractErrors.ts"),
    `/* Written by the build. */\nexport const contractErrors = {\n${entries.join("")}} as const;\n`,
  );
}

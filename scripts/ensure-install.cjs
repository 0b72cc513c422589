// Installs the dependencies when they are missing or not those of the lock file. Runs before `npm start` and `npm test`
// on whatever Node is there (18 or newer), so it uses nothing but built-ins. The project itself needs a newer Node,
// which is one of its dependencies: npm puts it first on the PATH of its scripts.
const { createHash } = require("node:crypto");
const { existsSync, readFileSync, writeFileSync } = require("node:fs");
const { join } = require("node:path");
const { spawnSync } = require("node:child_process");

const root = join(__dirname, "..");
const stamp = join(root, "node_modules", ".witan-install");
const MINIMUM = [22, 12];

function lockHash() {
  return createHash("sha256")
    .update(readFileSync(join(root, "package-lock.json")))
    .digest("hex");
}

/** Packages that npm leaves out without a message when it runs on an old Node. */
function nativeEngineIsThere() {
  const modules = join(root, "node_modules");
  const libc = existsSync("/lib/ld-musl-x86_64.so.1") || existsSync("/lib/ld-musl-aarch64.so.1") ? "musl" : "gnu";
  const suffix = process.platform === "linux" ? `-${libc}` : process.platform === "win32" ? "-msvc" : "";
  return existsSync(join(modules, "@nomicfoundation", `edr-${process.platform}-${process.arch}${suffix}`));
}

function isInstalled() {
  return existsSync(stamp) && readFileSync(stamp, "utf8") === lockHash() && nativeEngineIsThere();
}

function run(command, args) {
  const { status, error } = spawnSync(command, args, {
    cwd: root,
    stdio: "inherit",
    shell: process.platform === "win32",
  });
  if (error && error.code === "ENOENT") fail(`${command} was not found; it comes with Node.js.`);
  return status === 0;
}

function fail(message) {
  process.stderr.write(`witan: ${message}\n`);
  process.exit(1);
}

function isNewEnough() {
  const [major, minor] = process.versions.node.split(".").map(Number);
  return major > MINIMUM[0] || (major === MINIMUM[0] && minor >= MINIMUM[1]);
}

if (!isInstalled()) {
  process.stdout.write("Installing the dependencies (about a minute, once) ...\n");
  const installed = isNewEnough()
    ? run("npm", ["ci", "--no-audit", "--no-fund"])
    : run("npx", ["--yes", "--package=node@24", "--call", "npm ci --no-audit --no-fund"]);
  if (!installed) fail("npm could not install the dependencies; its messages are above.");
  if (!nativeEngineIsThere()) {
    fail(
      `Hardhat's engine for ${process.platform}-${process.arch} was not installed; delete node_modules and try again.`,
    );
  }
  writeFileSync(stamp, lockHash());
}

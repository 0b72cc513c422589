// Checks the shape of the package that would be published: its exports resolve, and it contains the expected files and no others.
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { publint } from "publint";
import { formatMessage } from "publint/utils";

const root = join(import.meta.dirname, "..");
const { status, stdout } = spawnSync("npm", ["pack", "--dry-run", "--json"], { cwd: root, encoding: "utf8" });
if (status !== 0) throw new Error("npm pack failed; run npm run build first");
const [pack] = Object.values(JSON.parse(stdout));
const paths = pack.files.map(({ path }) => path);

const problems = [];
for (const wanted of [
  "dist/index.js",
  "dist/index.d.ts",
  "dist/catalog/index.js",
  "dist/surfaces/cli/main.js",
  "dist/artifacts/NodeGovernor.json",
  "LICENSE",
  "README.md",
]) {
  if (!paths.includes(wanted)) problems.push(`${wanted} is missing`);
}
for (const path of paths)
  if (/(^|\/)(test|scripts|\.witan)\//.test(path)) problems.push(`${path} does not belong in the package`);

const { messages, pkg } = await publint({ pkgDir: root, strict: true });
problems.push(...messages.filter(({ type }) => type !== "suggestion").map((message) => formatMessage(message, pkg)));
for (const problem of problems) process.stderr.write(`${problem}\n`);
if (problems.length > 0) process.exit(1);
process.stdout.write(`The package holds ${paths.length} files, ${(pack.unpackedSize / 1e6).toFixed(1)} MB unpacked.\n`);

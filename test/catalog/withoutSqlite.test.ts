import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { expect, it } from "vitest";

const root = join(import.meta.dirname, "..", "..");

/** Runs a line of code in a Node whose SQLite is off. */
function runWithout(code: string): string {
  const options = ["--no-experimental-sqlite", "--import", "tsx", "--input-type=module", "--eval", code];
  const { stdout, stderr, status } = spawnSync(process.execPath, options, { cwd: root, encoding: "utf8" });
  expect({ status, stderr }).toMatchObject({ status: 0 });
  return stdout.trim();
}

it("says in one typed error that this Node has no SQLite", () => {
  const told = runWithout(`
    import { openCatalog } from "./src/catalog/index.ts";
    const error = await openCatalog({ path: ":memory:", chain: {}, content: {} }).catch((error) => error);
    console.log(JSON.stringify({ name: error.name, code: error.code, retryable: error.retryable, message: error.message }));
  `);
  expect(JSON.parse(told)).toMatchObject({ name: "CatalogError", code: "catalog-no-sqlite", retryable: false });
  expect(JSON.parse(told).message).toContain("22.13");
});

it("needs no SQLite for anything else", () => {
  expect(runWithout('import { createClient } from "./src/index.ts"; console.log(typeof createClient);')).toBe(
    "function",
  );
});

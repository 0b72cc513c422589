import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { describe, expect, it } from "vitest";

const root = join(import.meta.dirname, "..");
const MAX_LINES = 400;

/** Which rooms of src/ each room may import, besides itself. */
const arrows: Record<string, readonly string[]> = {
  errors: [],
  utils: ["errors"],
  records: ["errors", "utils"],
  policy: ["errors", "utils", "records"],
  "ports/content": ["errors", "utils", "records"],
  "ports/chain": ["errors", "utils", "records"],
  "ports/gossip": ["errors", "utils", "records"],
  "ports/keys": ["errors", "utils", "records"],
  client: ["errors", "utils", "records", "policy", "ports/*"],
  catalog: ["errors", "utils", "records", "policy", "ports/*"],
  "engines/fleet": ["errors", "utils", "records"],
  "engines/learning": ["errors", "utils", "records"],
  "engines/chaos": ["errors", "utils", "records"],
  agent: ["errors", "utils", "records", "policy", "ports/*", "client", "catalog", "engines/*"],
  surfaces: ["*"],
  index: ["errors", "records", "ports/*", "client"],
};

/** The rooms in which a third party may be imported as a value; types may be imported anywhere. */
const doors: readonly { readonly packages: RegExp; readonly rooms: readonly string[] }[] = [
  { packages: /^ethers$/, rooms: ["ports/chain", "ports/keys", "client"] },
  { packages: /^(helia|@helia\/|level$|blockstore-|datastore-|ipfs-unixfs)/, rooms: ["ports/content"] },
  { packages: /^(libp2p|@libp2p\/|@multiformats\/)/, rooms: ["ports/content", "ports/gossip"] },
  { packages: /^(multiformats|@ipld\/)/, rooms: ["records", "ports/content"] },
  { packages: /^@openzeppelin\/merkle-tree$/, rooms: ["records"] },
  { packages: /^@jax-js\//, rooms: ["engines/learning"] },
  { packages: /^(@chainsafe\/|@noble\/curves)/, rooms: ["ports/keys"] },
  { packages: /^citty$/, rooms: ["surfaces"] },
];

interface Import {
  readonly from: string;
  readonly typeOnly: boolean;
}

function importsOf(source: string): Import[] {
  const found: Import[] = [];
  for (const [, clause, from] of source.matchAll(/^(?:import|export)\s+([^;"']*?)\s*from\s+"([^"]+)"/gms)) {
    const names = /^\{([^}]*)\}$/.exec(clause?.trim() ?? "")?.[1];
    const allTypes = names?.split(",").every((name) => name.trim() === "" || name.trim().startsWith("type ")) ?? false;
    if (from) found.push({ from, typeOnly: allTypes || clause?.trim().startsWith("type ") === true });
  }
  for (const [, from] of source.matchAll(/\bimport\(\s*"([^"]+)"/g)) if (from) found.push({ from, typeOnly: false });
  for (const [, from] of source.matchAll(/^import\s+"([^"]+)"/gm)) if (from) found.push({ from, typeOnly: false });
  return found;
}

/** The room of a file, such as "ports/chain"; named by its path below src/. */
function roomOf(path: string): string {
  const [first = "", second = ""] = path.split("/");
  if (!path.includes("/")) return first.replace(/\.ts$/, "");
  return first === "ports" || first === "engines" ? `${first}/${second}` : first;
}

function allows(rules: readonly string[], room: string): boolean {
  return rules.some(
    (rule) => rule === "*" || rule === room || (rule.endsWith("/*") && room.startsWith(rule.slice(0, -1))),
  );
}

/** What a file of src/ does that the house forbids. */
function violations(path: string, source: string): string[] {
  const room = roomOf(path);
  const found: string[] = [];
  for (const { from, typeOnly } of importsOf(source)) {
    if (from.startsWith(".")) {
      const target = roomOf(relative("/src", resolve("/src", dirname(path), from)).replace(/\.js$/, ".ts"));
      if (target !== room && !allows(arrows[room] ?? [], target)) found.push(`${path} imports ${target}`);
    } else if (!typeOnly) {
      for (const { packages, rooms } of doors) {
        if (packages.test(from) && !rooms.includes(room)) found.push(`${path} imports ${from}`);
      }
    }
  }
  if (source.includes("process.env") && !path.startsWith("surfaces/cli/")) found.push(`${path} reads the environment`);
  if (source.split("\n").length > MAX_LINES) found.push(`${path} has over ${MAX_LINES} lines`);
  return found;
}

function filesBelow(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith(".ts") && !entry.parentPath.includes("bindings"))
    .map((entry) => join(entry.parentPath, entry.name));
}

describe("the house", () => {
  it("keeps its arrows, its doors and its file sizes", () => {
    const source = join(root, "src");
    const all = filesBelow(source);
    expect(all.length).toBeGreaterThan(50);
    expect(all.flatMap((path) => violations(relative(source, path), readFileSync(path, "utf8")))).toEqual([]);
  });

  it("is left by scripts and tests alone: nothing in src/ imports them", () => {
    const source = join(root, "src");
    const outside = filesBelow(source).filter((path) =>
      importsOf(readFileSync(path, "utf8")).some(({ from }) => /\.\.\/(scripts|test|ignition)\//.test(from)),
    );
    expect(outside).toEqual([]);
  });

  it.each([
    [
      "policy/plan.ts",
      'import { createChain } from "../src/ports/chain/index.js";',
      "policy/plan.ts imports ports/chain",
    ],
    ["ports/content/helia.ts", 'import { x } from "../chain/index.js";', "ports/content/helia.ts imports ports/chain"],
    ["engines/fleet/a.ts", 'import { x } from "../learning/b.js";', "engines/fleet/a.ts imports engines/learning"],
    ["client/a.ts", 'import { x } from "../agent/b.js";', "client/a.ts imports agent"],
    ["agent/a.ts", 'import { Wallet, type Signer } from "ethers";', "agent/a.ts imports ethers"],
    ["agent/a.ts", 'await import("helia")', "agent/a.ts imports helia"],
    ["agent/a.ts", "process.env.PASSWORD", "agent/a.ts reads the environment"],
    ["agent/a.ts", "\n".repeat(MAX_LINES), `agent/a.ts has over ${MAX_LINES} lines`],
  ])("notices what is forbidden in %s", (path, source, violation) => {
    expect(violations(path, source)).toEqual([violation]);
  });

  it("lets types through every door", () => {
    expect(
      violations("agent/a.ts", 'import type { Signer } from "ethers";\nimport { type Wallet } from "ethers";'),
    ).toEqual([]);
  });
});

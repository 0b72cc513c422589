import { dirname, relative, resolve } from "node:path";
import { describe, expect, it } from "vitest";
import { circlesOf, importsOf, type SourceFile, sourceFiles } from "./source.js";

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
  { packages: /^httpxy$/, rooms: ["engines/fleet"] },
];

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
      if (room === "agent" && target === "client" && !from.endsWith("client/index.js")) {
        found.push(`${path} imports ${from.replace(/^(\.\.\/)+/, "")}`);
      }
    } else if (!typeOnly) {
      for (const { packages, rooms } of doors) {
        if (packages.test(from) && !rooms.includes(room)) found.push(`${path} imports ${from}`);
      }
    }
  }
  if (source.includes("process.env") && !path.startsWith("surfaces/cli/")) found.push(`${path} reads the environment`);
  // There the texts of others are made harmless.
  if (/process\.std(out|err)\b/.test(source) && !path.startsWith("surfaces/cli/output/"))
    found.push(`${path} prints past surfaces/cli/output`);
  if (source.split("\n").length > MAX_LINES) found.push(`${path} has over ${MAX_LINES} lines`);
  return found;
}

describe("the house", () => {
  const files = sourceFiles();

  it("keeps its arrows, its doors and its file sizes", () => {
    expect(files.length).toBeGreaterThan(50);
    expect(files.flatMap(({ path, source }) => violations(path, source))).toEqual([]);
  });

  it("is left by scripts and tests alone: nothing in src/ imports them", () => {
    const outside = files.filter(({ source }) =>
      importsOf(source).some(({ from }) => /\.\.\/(scripts|test|ignition)\//.test(from)),
    );
    expect(outside.map(({ path }) => path)).toEqual([]);
  });

  it("has no import circles, those of types included", () => {
    expect(circlesOf(files)).toEqual([]);
  });

  it("notices a circle, also of types and through a third file", () => {
    const circle: SourceFile[] = [
      { path: "a/a.ts", source: 'import { b } from "../b.js";' },
      { path: "b.ts", source: 'import type { C } from "./c.js";' },
      { path: "c.ts", source: 'export { a } from "./a/a.js";' },
      { path: "d.ts", source: 'import { b } from "./b.js";' },
    ];
    expect(circlesOf(circle)).toEqual(["a/a.ts b.ts c.ts"]);
    expect(circlesOf(circle.slice(0, 2))).toEqual([]);
  });

  it.each([
    ["policy/plan.ts", 'import { createChain } from "../ports/chain/index.js";', "policy/plan.ts imports ports/chain"],
    ["ports/content/helia.ts", 'import { x } from "../chain/index.js";', "ports/content/helia.ts imports ports/chain"],
    ["engines/fleet/a.ts", 'import { x } from "../learning/b.js";', "engines/fleet/a.ts imports engines/learning"],
    ["client/a.ts", 'import { x } from "../agent/b.js";', "client/a.ts imports agent"],
    ["agent/a.ts", 'import { Wallet, type Signer } from "ethers";', "agent/a.ts imports ethers"],
    ["agent/a.ts", 'await import("helia")', "agent/a.ts imports helia"],
    ["agent/a.ts", 'import { x } from "../client/anchors/b.js";', "agent/a.ts imports client/anchors/b.js"],
    ["agent/a.ts", "process.env.PASSWORD", "agent/a.ts reads the environment"],
    ["surfaces/cli/a.ts", "process.stdout.write(text)", "surfaces/cli/a.ts prints past surfaces/cli/output"],
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

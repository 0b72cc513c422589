import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, normalize, relative } from "node:path";

/** A file of src/, by its path below it. */
export interface SourceFile {
  readonly path: string;
  readonly source: string;
}

/** All files of src/ that people write, in the order of their paths. */
export function sourceFiles(): SourceFile[] {
  const root = join(import.meta.dirname, "../../src");
  return readdirSync(root, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith(".ts") && !entry.parentPath.includes("bindings"))
    .map((entry) => join(entry.parentPath, entry.name))
    .sort()
    .map((path) => ({ path: relative(root, path), source: readFileSync(path, "utf8") }));
}

export interface SourceImport {
  readonly from: string;
  readonly typeOnly: boolean;
}

/** What a file imports or exports again, statically or not. */
export function importsOf(source: string): SourceImport[] {
  const found: SourceImport[] = [];
  for (const [, clause, from] of source.matchAll(/^(?:import|export)\s+([^;"']*?)\s*from\s+"([^"]+)"/gms)) {
    const names = /^\{([^}]*)\}$/.exec(clause?.trim() ?? "")?.[1];
    const allTypes = names?.split(",").every((name) => name.trim() === "" || name.trim().startsWith("type ")) ?? false;
    if (from) found.push({ from, typeOnly: allTypes || clause?.trim().startsWith("type ") === true });
  }
  for (const [, from] of source.matchAll(/\bimport\(\s*"([^"]+)"/g)) if (from) found.push({ from, typeOnly: false });
  for (const [, from] of source.matchAll(/^import\s+"([^"]+)"/gm)) if (from) found.push({ from, typeOnly: false });
  return found;
}

/** Sets of files that import one another in a circle, `import type` included; each as its paths in order. */
export function circlesOf(files: readonly SourceFile[]): string[] {
  const edges = new Map(
    files.map(({ path, source }) => [
      path,
      importsOf(source)
        .filter(({ from }) => from.startsWith("."))
        .map(({ from }) => normalize(join(dirname(path), from)).replace(/\.js$/, ".ts")),
    ]),
  );
  const reached = new Map(files.map(({ path }) => [path, reachableFrom(path, edges)]));
  const circles = files.flatMap(({ path }) => {
    const circle = [...(reached.get(path) ?? [])].filter((other) => reached.get(other)?.has(path));
    return circle.length > 0 ? [circle.sort().join(" ")] : [];
  });
  return [...new Set(circles)];
}

function reachableFrom(start: string, edges: ReadonlyMap<string, readonly string[]>): Set<string> {
  const seen = new Set<string>();
  const queue = [...(edges.get(start) ?? [])];
  for (let path = queue.pop(); path !== undefined; path = queue.pop()) {
    if (seen.has(path) || !edges.has(path)) continue;
    seen.add(path);
    queue.push(...(edges.get(path) ?? []));
  }
  return seen;
}

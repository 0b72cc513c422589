import { dirname } from "node:path";
import { describe, expect, it } from "vitest";
import { type SourceFile, sourceFiles } from "./source.js";

/** A folder with more loose files wants folders of its own. */
const MAX_LOOSE_FILES = 12;

/** One verb a file: however many, a reader finds each by its name. */
const onePerVerb: readonly string[] = ["client/actions"];

/** Names of exported types that two or more files declare. */
function doublesIn(files: readonly SourceFile[]): string[] {
  const places = new Map<string, Set<string>>();
  for (const { path, source } of files) {
    const declared = source.matchAll(
      /^export (?:declare )?(?:abstract )?(?:const )?(?:interface|type|class|enum) (\w+)/gm,
    );
    for (const [, name = ""] of declared) places.set(name, (places.get(name) ?? new Set()).add(path));
  }
  return [...places].flatMap(([name, paths]) => (paths.size > 1 ? [name] : [])).sort();
}

/** Folders with too many loose files. */
function crowdedIn(files: readonly Pick<SourceFile, "path">[]): string[] {
  const counts = new Map<string, number>();
  for (const { path } of files) counts.set(dirname(path), (counts.get(dirname(path)) ?? 0) + 1);
  return [...counts].flatMap(([folder, count]) => (count > MAX_LOOSE_FILES ? [folder] : [])).sort();
}

/** Words that hide who acts or what is the case: name the role, say "undefined if". */
const UNCLEAR = /\b(whoever|is none|of whom)\b/i;

/** The comments of a file, a line break between them. */
function commentsOf(source: string): string {
  return [...source.matchAll(/\/\*[\s\S]*?\*\/|(?:^|\s)\/\/.*$/gm)]
    .map(([comment]) => comment.replaceAll(/\s*\n\s*\*?\s*/g, " "))
    .join("\n");
}

const unclearIn = (files: readonly SourceFile[]) =>
  files.filter(({ source }) => UNCLEAR.test(commentsOf(source))).map(({ path }) => path);

describe("the house's names and words", () => {
  const files = sourceFiles();

  it("declares each exported type name once", () => {
    expect(doublesIn(files)).toEqual([]);
  });

  it(`has no folder with more than ${MAX_LOOSE_FILES} loose files`, () => {
    expect(crowdedIn(files).filter((folder) => !onePerVerb.includes(folder))).toEqual([]);
  });

  it("has comments that name the actor", () => {
    expect(unclearIn(files)).toEqual([]);
  });

  it("notices a type name that is declared twice, whatever kind of type it is", () => {
    const files = [
      { path: "a.ts", source: "export interface Entry {}\nexport type Own = 1;" },
      { path: "b.ts", source: "export class Entry {}\ntype Own = 2;" },
      { path: "c.ts", source: 'export type { Own } from "./a.js";' },
    ];
    expect(doublesIn(files)).toEqual(["Entry"]);
  });

  it("notices a crowded folder", () => {
    const paths = Array.from({ length: MAX_LOOSE_FILES + 1 }, (_, i) => ({ path: `a/${i}.ts` }));
    expect(crowdedIn(paths)).toEqual(["a"]);
    expect(crowdedIn([...paths.slice(1), { path: "a/b/0.ts" }])).toEqual([]);
  });

  it.each([
    "// Whoever asks.",
    "/** Undefined where there\n * is none. */",
    "/* The peer of whom it asks. */",
    "x; // whoever",
  ])("notices the comment %s", (source) => expect(unclearIn([{ path: "a.ts", source }])).toEqual(["a.ts"]));

  it("does not take code for a comment", () => {
    expect(unclearIn([{ path: "a.ts", source: 'const text = "whoever"; const url = "http://of whom";' }])).toEqual([]);
  });
});

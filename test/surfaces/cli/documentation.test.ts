import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { ArgsDef, CommandDef } from "citty";
import { describe, expect, it } from "vitest";
import { witan } from "../../../src/surfaces/cli/witan.js";

const root = join(import.meta.dirname, "..", "..", "..");
const pages = ["README.md", "contracts/README.md", ...readdirSync(join(root, "docs")).map((name) => `docs/${name}`)];

/** The lines of a page that hold a command: in code blocks, and between backticks. */
function commandsOf(text: string, program: string): string[] {
  const joined = text.replaceAll(/ \\\n\s*/g, " ");
  const found: string[] = [];
  for (const [, block = ""] of joined.matchAll(/```(?:sh)?\n([\s\S]*?)```/g)) {
    for (const line of block.split("\n")) {
      const [, command] = new RegExp(`^(?:\\$ )?${program}(.+)$`).exec(line) ?? [];
      if (command !== undefined) found.push(command.trim());
    }
  }
  const prose = joined.replaceAll(/```[\s\S]*?```/g, "");
  for (const [, command = ""] of prose.matchAll(new RegExp(`\`${program}([^\`]+)\``, "g"))) found.push(command.trim());
  for (const [, command = ""] of prose.matchAll(new RegExp(`^## ${program}(.+)$`, "gm"))) found.push(command.trim());
  return found;
}

/** As a shell takes words apart. */
const wordsOf = (command: string) =>
  [...command.replace(/\s#\s.*$/, "").matchAll(/'([^']*)'|(\S+)/g)].map(([, quoted, bare = ""]) => quoted ?? bare);

async function resolved<T>(given: T | Promise<T> | (() => T | Promise<T>) | undefined): Promise<T | undefined> {
  return typeof given === "function" ? (given as () => T | Promise<T>)() : given;
}

/** What is wrong with a `witan` command; undefined if it exists with all of its options. */
async function problemOf(words: readonly string[]): Promise<string | undefined> {
  let command = witan as CommandDef<ArgsDef>;
  let rest = words;
  for (;;) {
    const commands = await resolved(command.subCommands);
    if (commands === undefined || rest.length === 0 || rest[0]?.startsWith("-")) break;
    const found = commands[rest[0] ?? ""];
    if (found === undefined) return `there is no command ${rest[0]}`;
    command = (await resolved(found)) as CommandDef<ArgsDef>;
    rest = rest.slice(1);
  }
  const args = (await resolved(command.args)) ?? {};
  for (const word of rest.filter((each) => /^\[?--?[a-z]/.test(each))) {
    const name = word.replace(/^\[?--?/, "").replace(/[=\],;:].*$/, "");
    if (name === "help" || Object.hasOwn(args, name)) continue;
    const positive = name.replace(/^no-/, "");
    if (positive !== name && args[positive]?.type === "boolean") continue;
    return `there is no option --${name}`;
  }
  return undefined;
}

describe("the documentation", () => {
  it.each(pages)("%s names commands and options of witan that exist", async (page) => {
    const text = readFileSync(join(root, page), "utf8");
    const problems: string[] = [];
    for (const commands of commandsOf(text, "(?:npx )?witan ")) {
      // A heading may name several: "witan catalog sync, rebuild, status", "witan backup, witan restore".
      const [first = ""] = commands.split(/, (?!witan )/);
      for (const command of first.split(", witan ")) {
        const problem = await problemOf(wordsOf(command));
        if (problem !== undefined) problems.push(`witan ${command}: ${problem}`);
      }
    }
    expect(problems).toEqual([]);
  });

  it.each(pages)("%s names npm scripts and benchmarks that exist", (page) => {
    const text = readFileSync(join(root, page), "utf8");
    const { scripts } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
    const benchmarks = readdirSync(join(root, "scripts/bench")).filter((name) => name.endsWith(".ts"));
    for (const [, script = "", argument] of text.matchAll(/npm run ([a-z:]+)(?: -- ([a-z]+))?/g)) {
      expect(Object.keys(scripts)).toContain(script);
      if (script === "bench" && argument !== undefined) expect(benchmarks).toContain(`${argument}.ts`);
    }
  });

  it.each(pages)("%s links to pages and headings that exist", (page) => {
    const text = readFileSync(join(root, page), "utf8");
    const folder = join(root, page, "..");
    for (const [, target = ""] of text.matchAll(/\]\(([^)\s]+)\)/g)) {
      if (/^https?:/.test(target)) continue;
      const [file = "", anchor] = target.split("#");
      const path = file === "" ? join(root, page) : join(folder, file);
      if (!path.endsWith(".md")) continue;
      const headings = [...readFileSync(path, "utf8").matchAll(/^#+ (.+)$/gm)].map(([, heading = ""]) =>
        heading
          .toLowerCase()
          .replaceAll(/[^\p{L}\p{N} -]/gu, "")
          .replaceAll(" ", "-"),
      );
      if (anchor !== undefined) expect(headings, `${page} -> ${target}`).toContain(anchor);
    }
  });

  it("notices commands and options that do not exist", async () => {
    expect(await problemOf(wordsOf("record list --kind Incident --limit 2"))).toBeUndefined();
    expect(await problemOf(wordsOf("record search --no-sync words"))).toBeUndefined();
    expect(await problemOf(wordsOf("record dance"))).toBe("there is no command dance");
    expect(await problemOf(wordsOf("node list --colour red"))).toBe("there is no option --colour");
    expect(await problemOf(wordsOf("node list --no-colour"))).toBe("there is no option --no-colour");
  });

  it.each(pages)("%s names files of the project that exist", (page) => {
    const text = readFileSync(join(root, page), "utf8");
    const named = [...text.matchAll(/`((?:src|contracts|test|scripts|docs|examples)\/[\w./-]+\.\w+)`/g)].map(
      ([, path = ""]) => path,
    );
    expect(named.filter((path) => !existsSync(join(root, path)))).toEqual([]);
  });
});

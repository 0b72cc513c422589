import { readdir } from "node:fs/promises";
import { BaseError, InvalidInputError } from "../../src/errors.js";

/** What a benchmark gives back: rows for people, and a report that goes out as one line of JSON. */
export interface Bench {
  table: Record<string, string | number>[];
  report: { bench: string; cases: object[] };
}

/** Every module beside this one is a benchmark under its file's name, and exports `bench`. */
async function main(name: string | undefined): Promise<void> {
  const files = await readdir(import.meta.dirname);
  const names = files.filter((file) => file !== "run.ts" && file.endsWith(".ts")).map((file) => file.slice(0, -3));
  if (name === undefined || !names.includes(name)) {
    throw new InvalidInputError(`There is no benchmark "${name ?? ""}". There are: ${names.sort().join(", ")}.`);
  }

  const { bench } = (await import(`./${name}.ts`)) as { bench(): Promise<Bench> };
  const { table, report } = await bench();
  console.table(table);
  console.log(JSON.stringify(report));
}

try {
  await main(process.argv[2]);
} catch (error) {
  console.error(error instanceof BaseError ? error.message : error);
  process.exitCode = 1;
}

import { readdir } from "node:fs/promises";
import { BaseError, InvalidInputError } from "../../src/errors.js";

/** The result of a benchmark: rows for people, and a report that is printed as one line of JSON. */
export interface Bench {
  table: Record<string, string | number>[];
  report: { bench: string; [figure: string]: unknown };
}

/** Every module in this folder is a benchmark, named by its file; it exports `bench`, which gets the options after the name. */
async function main(name: string | undefined, args: readonly string[]): Promise<void> {
  const files = await readdir(import.meta.dirname);
  const names = files.filter((file) => file !== "run.ts" && file.endsWith(".ts")).map((file) => file.slice(0, -3));
  if (name === undefined || !names.includes(name)) {
    throw new InvalidInputError(`There is no benchmark "${name ?? ""}". There are: ${names.sort().join(", ")}.`);
  }

  const { bench } = (await import(`./${name}.ts`)) as {
    bench(args: readonly string[]): Promise<Bench>;
  };
  // npm passes a second "--" on.
  const { table, report } = await bench(args[0] === "--" ? args.slice(1) : args);
  console.table(table);
  console.log(JSON.stringify(report));
}

try {
  await main(process.argv[2], process.argv.slice(3));
} catch (error) {
  console.error(error instanceof BaseError ? error.message : error);
  process.exitCode = 1;
}

import { parseArgs } from "node:util";
import { measureIndex, measureQuery } from "./knowledge/catalog.js";
import type { Bench } from "./run.js";

/** Measures how fast the catalog catches up with a chain, and what a page of a large catalog costs. */
export async function bench(args: readonly string[]): Promise<Bench> {
  const { values } = parseArgs({
    args: [...args],
    options: { events: { type: "string", default: "100000" }, records: { type: "string", default: "1000000" } },
  });
  process.stderr.write(`catching up with ${values.events} events ...\n`);
  const index = await measureIndex({ events: Number(values.events) });
  process.stderr.write(`asking a catalog of ${values.records} records ...\n`);
  const query = await measureQuery({ records: Number(values.records) });
  const table = [
    { what: "catching up, events a second", figure: index.eventsPerSecond },
    { what: "reading the same answers and dropping them, events a second", figure: index.rawPerSecond },
    ...query.growth.map(({ records, microsecondsPerRecord }) => ({
      what: `writing a record, up to ${records}, microseconds`,
      figure: microsecondsPerRecord,
    })),
    ...Object.entries(query.questions).map(([name, { medianMs }]) => ({
      what: `a page by ${name}, ms`,
      figure: medianMs,
    })),
  ];
  return { table, report: { bench: "catalog", index, query } };
}

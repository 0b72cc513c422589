import { parseArgs } from "node:util";
import { measureAnchors } from "./knowledge/anchors.js";
import { measureIndex, measureQuery } from "./knowledge/catalog.js";
import { measureContent } from "./knowledge/content.js";
import { measureEas, measureOrbitdb } from "./knowledge/peers.js";
import type { Bench } from "./run.js";

const BATCHES = [1, 10, 100, 1_000];

/**
 * Measures the knowledge store in one run: writes and reads beside plain Helia, puts and gets beside OrbitDB, anchors beside
 * EAS, the catalog, and a large model. OrbitDB and EAS are installed for the run, in folders that are deleted afterwards.
 */
export async function bench(args: readonly string[]): Promise<Bench> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      records: { type: "string", default: "10000" },
      events: { type: "string", default: "100000" },
      catalog: { type: "string", default: "1000000" },
      "model-mib": { type: "string", default: "1024" },
    },
  });
  const records = Number(values.records);
  const say = (what: string) => process.stderr.write(`${what} ...\n`);

  say("writing and reading beside plain Helia, a model in and out");
  const modelBytes = Number(values["model-mib"]) * 1024 * 1024;
  const { write, read, replicate, model } = await measureContent({ records, modelBytes });
  say("OrbitDB");
  const orbitdb = await measureOrbitdb(records);
  say("anchors, and EAS");
  const anchor = await measureAnchors(BATCHES);
  const eas = await measureEas();
  say("catching up with a chain");
  const index = await measureIndex({ events: Number(values.events) });
  say("asking a large catalog");
  const query = await measureQuery({ records: Number(values.catalog) });

  const get = { perSecond: read.perSecond, records };
  const ratio = (a: number, b: number) => (a / b).toFixed(2);
  const table = [
    {
      what: "writes a second, beside raw",
      ours: write.perSecond,
      peer: write.rawPerSecond,
      ratio: ratio(write.perSecond, write.rawPerSecond),
    },
    {
      what: "reads a second, beside raw",
      ours: read.perSecond,
      peer: read.rawPerSecond,
      ratio: ratio(read.perSecond, read.rawPerSecond),
    },
    {
      what: "puts a second, beside OrbitDB",
      ours: write.perSecond,
      peer: orbitdb.putPerSecond,
      ratio: ratio(write.perSecond, orbitdb.putPerSecond),
    },
    {
      what: "gets a second, beside OrbitDB",
      ours: get.perSecond,
      peer: orbitdb.getPerSecond,
      ratio: ratio(get.perSecond, orbitdb.getPerSecond),
    },
    { what: `${replicate.records} records to a fresh peer, seconds`, ours: replicate.seconds },
    ...anchor.map(({ batch, gasPerRecord }) => ({
      what: `gas a record in a batch of ${batch}, beside EAS`,
      ours: gasPerRecord,
      peer: eas.multiAttest,
      ratio: ratio(gasPerRecord, eas.multiAttest),
    })),
    { what: "index, events a second", ours: index.eventsPerSecond },
    { what: `a page of ${query.records} records, ms`, ours: query.pageMs },
    { what: "model in, MB/s, beside sha256", ours: model.inMBps, peer: model.sha256MBps },
    { what: "model in, MB/s, beside a copy with sync", ours: model.inMBps, peer: model.copyMBps },
    { what: "model out, MB/s, beside sha256", ours: model.outMBps, peer: model.sha256MBps },
    { what: "model out, MB/s, beside a copy with sync", ours: model.outMBps, peer: model.copyMBps },
    { what: "model, peak MB resident", ours: model.peakRssMB },
  ];
  return {
    table,
    report: { bench: "knowledge", write, read, orbitdb, get, replicate, index, query, anchor, eas, model },
  };
}

import { parseArgs } from "node:util";
import { measureContent } from "./knowledge/content.js";
import type { Bench } from "./run.js";

/** Measures the content store: records of 1 KB beside plain Helia, replication, and storing and reading a large file. */
export async function bench(args: readonly string[]): Promise<Bench> {
  const { values } = parseArgs({
    args: [...args],
    options: { records: { type: "string", default: "20000" }, "model-mib": { type: "string", default: "1024" } },
  });
  const modelBytes = Number(values["model-mib"]) * 1024 * 1024;
  const { write, read, replicate, model } = await measureContent({ records: Number(values.records), modelBytes });
  const beside = (name: string, { perSecond, rawPerSecond }: typeof write) => ({
    what: `${name} of 1 KB records a second`,
    ours: perSecond,
    beside: rawPerSecond,
    ratio: (perSecond / rawPerSecond).toFixed(2),
  });
  const { sha256MBps, copyMBps, kubo } = model;
  const bounds = { sha256: sha256MBps, "a copy with sync": copyMBps };
  const added = kubo && { "Kubo's add": kubo.addMBps, "Kubo's add with sync": kubo.syncedAddMBps };
  const shares = (way: string, ours: number, besides: Record<string, number>) =>
    Object.entries(besides).map(([name, peer]) => ({
      what: `model ${way}, MB/s beside ${name}`,
      ours,
      beside: peer,
      ratio: (ours / peer).toFixed(2),
    }));
  const table = [
    beside("writes", write),
    beside("reads", read),
    { what: `seconds for ${replicate.records} records to a fresh peer`, ours: replicate.seconds },
    ...shares("in", model.inMBps, { ...bounds, ...added }),
    ...shares("out", model.outMBps, { ...bounds, ...(kubo && { "Kubo's cat": kubo.catMBps }) }),
    { what: "model in, CPU seconds", ours: model.inCpuSeconds },
    { what: "model out, CPU seconds", ours: model.outCpuSeconds },
    { what: "model, peak MB resident", ours: model.peakRssMB },
  ];
  return { table, report: { bench: "content", write, read, replicate, model } };
}

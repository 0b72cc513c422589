/** Stores a file and reads it back, within 400 MB of memory; prints figures as JSON. */
import { open } from "node:fs/promises";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type * as HeliaModule from "../../../src/ports/content/drivers/helia.js";
import type * as ClockModule from "../../../src/utils/clock.js";
import type * as RepeatModule from "../../../src/utils/timing/repeat.js";

const MAX_RSS_BYTES = 400_000_000;
/** Between two checks of the resident memory. */
const CHECK_EVERY_MS = 20;
const PIECE_BYTES = 1024 * 1024;

const [folder = "", dir = "", path = "", size = "0"] = process.argv.slice(2);
// The compiled library, so that no compiler runs in the measured process.
const { createHeliaContent } = (await compiled("ports/content/drivers/helia.js")) as typeof HeliaModule;
const { systemClock } = (await compiled("utils/clock.js")) as typeof ClockModule;
const { repeat } = (await compiled("utils/timing/repeat.js")) as typeof RepeatModule;
const bytes = Number(size);
const ended = new AbortController();
const watching = repeat({
  clock: systemClock,
  everyMs: CHECK_EVERY_MS,
  signal: ended.signal,
  onError(error) {
    throw error;
  },
  async work() {
    const { rss } = process.memoryUsage();
    if (rss <= MAX_RSS_BYTES) return;
    process.stderr.write(`${rss} bytes resident are over the limit of ${MAX_RSS_BYTES}\n`);
    process.exit(1);
  },
});

const content = await createHeliaContent({ dir });
let usage = process.cpuUsage();
const beganIn = systemClock.monotonic();
const file = await content.putFile(pieces(), { keep: "model" });
const inSeconds = (systemClock.monotonic() - beganIn) / 1_000;
const cpuIn = cpuSeconds();

let out = 0;
const beganOut = systemClock.monotonic();
// The store checks the hash of each block, and at the end that of the whole file.
for await (const chunk of (await content.openFile(file.cid)).read({ sha256: file.sha256, reuse: true }))
  out += chunk.length;
const outSeconds = (systemClock.monotonic() - beganOut) / 1_000;
const cpuOut = cpuSeconds();
if (out !== bytes || file.bytes !== bytes) throw new Error("another file came out");
await content.close();
ended.abort();
await watching;

const rate = (seconds: number) => Math.round(bytes / 1e6 / seconds);
process.stdout.write(
  JSON.stringify({
    bytes,
    inMBps: rate(inSeconds),
    outMBps: rate(outSeconds),
    inCpuSeconds: cpuIn,
    outCpuSeconds: cpuOut,
    peakRssMB: Math.round((process.resourceUsage().maxRSS * 1024) / 1e6),
  }),
);

/** The pieces of the file, in one buffer. */
async function* pieces(): AsyncGenerator<Uint8Array> {
  const source = await open(path, "r");
  const buffer = new Uint8Array(PIECE_BYTES);
  for (;;) {
    const { bytesRead } = await source.read(buffer);
    if (bytesRead === 0) break;
    yield buffer.subarray(0, bytesRead);
  }
  await source.close();
}

/** The CPU time of all threads since the last call, in seconds. */
function cpuSeconds(): number {
  const { user, system } = process.cpuUsage(usage);
  usage = process.cpuUsage();
  return Math.round((user + system) / 1e4) / 100;
}

/** A module of the compiled library. */
function compiled(path: string): Promise<unknown> {
  return import(pathToFileURL(join(folder, path)).href);
}

/** Takes a file of the given size in and gives it out again, within 512 MB of memory; prints figures as JSON. */
import { createHash } from "node:crypto";
import { performance } from "node:perf_hooks";
import { pathToFileURL } from "node:url";
import type * as HeliaModule from "../../../src/ports/content/drivers/helia.js";

const MAX_RSS_BYTES = 512 * 1024 * 1024;
const PIECE_BYTES = 64 * 1024;

const [library = "", dir = "", size = "0"] = process.argv.slice(2);
// As it is built, so that what is measured is the library and not what compiles it.
const { createHeliaContent } = (await import(pathToFileURL(library).href)) as typeof HeliaModule;
const bytes = Number(size);
const watching = setInterval(() => {
  const { rss } = process.memoryUsage();
  if (rss <= MAX_RSS_BYTES) return;
  process.stderr.write(`${rss} bytes resident are over the limit of ${MAX_RSS_BYTES}\n`);
  process.exit(1);
}, 20);

const content = await createHeliaContent({ dir });
const beganIn = performance.now();
const file = await content.putFile(pieces(), { keep: "model" });
const inSeconds = (performance.now() - beganIn) / 1_000;

const digest = createHash("sha256");
const beganOut = performance.now();
for await (const chunk of (await content.openFile(file.cid)).read({ sha256: file.sha256 })) digest.update(chunk);
const outSeconds = (performance.now() - beganOut) / 1_000;
if (`0x${digest.digest("hex")}` !== file.sha256 || file.bytes !== bytes) throw new Error("another file came out");
await content.close();
clearInterval(watching);

const rate = (seconds: number) => Math.round(bytes / 1e6 / seconds);
process.stdout.write(
  JSON.stringify({
    bytes,
    inMBps: rate(inSeconds),
    outMBps: rate(outSeconds),
    peakRssMB: Math.round((process.resourceUsage().maxRSS * 1024) / 1e6),
  }),
);

/** Bytes that no block repeats. */
function* pieces(): Generator<Uint8Array> {
  const piece = new Uint8Array(PIECE_BYTES).map((_, index) => index * 31);
  for (let at = 0; at < bytes; at += PIECE_BYTES) {
    new DataView(piece.buffer).setFloat64(0, at);
    yield piece.slice(0, Math.min(PIECE_BYTES, bytes - at));
  }
}

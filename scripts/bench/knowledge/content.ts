import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { copyFile, open, rm } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { LevelBlockstore } from "blockstore-level";
import { createHeliaLight, type Helia } from "helia";
import { CID } from "multiformats/cid";
import { createHeliaContent, type HeliaContent } from "../../../src/ports/content/drivers/helia.js";
import { contentIdOf, contentIdToCid } from "../../../src/records/index.js";
import { systemClock } from "../../../src/utils/clock.js";
import { type KuboFigures, measureKubo } from "./kubo.js";
import { inFolder, recordOf } from "./samples.js";

export interface ContentFigures {
  /** Records of 1 KB per second: ours checked, durable and pinned, beside plain puts through Helia on Level. */
  readonly write: Rates;
  /** Reads per second: ours checked against their hashes, beside plain gets through Helia on Level. */
  readonly read: Rates;
  /** From one node to another that has just connected. */
  readonly replicate: { readonly records: number; readonly seconds: number };
  readonly model: ModelFigures;
}

interface Rates {
  readonly perSecond: number;
  readonly rawPerSecond: number;
}

export interface ModelFigures {
  readonly bytes: number;
  readonly inMBps: number;
  readonly outMBps: number;
  /** The bound: sha256 over the same bytes on one core. */
  readonly sha256MBps: number;
  /** A plain copy of a file of as many bytes on the same disk, with one sync at its end and no hash. */
  readonly copyMBps: number;
  /** CPU time of all threads that stored the file, in seconds. */
  readonly inCpuSeconds: number;
  /** CPU time of all threads that read it back, in seconds. */
  readonly outCpuSeconds: number;
  /** The peak memory of the process that stored the file and read it back. */
  readonly peakRssMB: number;
  /** Kubo with the same file; undefined where there is none. */
  readonly kubo?: KuboFigures;
}

export interface ContentOptions {
  readonly records?: number;
  readonly modelBytes?: number;
}

/** Concurrent puts and gets, of ours and of plain Helia. */
const CONCURRENCY = 64;
/** Ours and plain Helia alternate, so that other load on the machine affects both alike. */
const PASSES = 5;
const REPLICATED = 1_000;
const COMPILED = join(import.meta.dirname, "..", "..", "..", "dist");

/** Measures content: rates of small records, replication, and storing and reading one large file. */
export async function measureContent({
  records = 20_000,
  modelBytes = 1024 ** 3,
}: ContentOptions = {}): Promise<ContentFigures> {
  const rates = await measureRates(records);
  return { ...rates, replicate: await measureReplication(), model: await measureModel(modelBytes) };
}

export async function measureRates(records: number): Promise<Pick<ContentFigures, "write" | "read">> {
  return inFolder(async (dir) => {
    const ours = await createHeliaContent({ dir: join(dir, "ours") });
    const raw = await rawHelia(join(dir, "raw"));
    const spent = { write: 0, rawWrite: 0, read: 0, rawRead: 0 };
    const perPass = Math.ceil(records / PASSES);
    for (let pass = 0; pass < PASSES; pass++) {
      const blocks = Array.from({ length: perPass }, (_, index) => recordOf(pass * perPass + index));
      // Helia's put takes a CID that its caller computes beforehand; ours computes the CID itself.
      const named = blocks.map((bytes) => ({ bytes, cid: CID.parse(contentIdToCid(contentIdOf(bytes), "raw")) }));
      spent.write += await timed(blocks, (bytes) => ours.put(bytes, { codec: "raw", keep: "record" }));
      spent.rawWrite += await timed(named, ({ cid, bytes }) => raw.blockstore.put(cid, bytes));
      const names = named.map(({ cid }) => cid.toString());
      spent.read += await timed(names, (name) => ours.get(name));
      spent.rawRead += await timed(named, async ({ cid }) => {
        for await (const _ of raw.blockstore.get(cid));
      });
    }
    await ours.close();
    await raw.stop();
    const rate = (seconds: number) => Math.round((perPass * PASSES) / seconds);
    return {
      write: { perSecond: rate(spent.write), rawPerSecond: rate(spent.rawWrite) },
      read: { perSecond: rate(spent.read), rawPerSecond: rate(spent.rawRead) },
    };
  });
}

export async function measureReplication(records = REPLICATED): Promise<ContentFigures["replicate"]> {
  return inFolder(async (dir) => {
    const source = await createHeliaContent({ dir: join(dir, "source") });
    const cids = await Promise.all(Array.from({ length: records }, (_, index) => source.put(recordOf(index))));
    const fresh = await createHeliaContent({ dir: join(dir, "fresh"), peers: source.multiaddrs() });
    await connected(fresh);
    const seconds = await timed(cids, (cid) => fresh.get(cid));
    await fresh.close();
    await source.close();
    return { records, seconds: round(seconds) };
  });
}

/** Measures the compiled library in its own process, so that its memory is that of the file alone, within 400 MB. */
export async function measureModel(bytes: number): Promise<ModelFigures> {
  return inFolder(async (dir) => {
    const path = join(dir, "model");
    await writeModel(path, bytes);
    const script = fileURLToPath(new URL("./modelChild.ts", import.meta.url));
    const child = spawn(process.execPath, [script, COMPILED, dir, path, `${bytes}`], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    let output = "";
    child.stdout.on("data", (chunk: Buffer) => {
      output += chunk.toString();
    });
    const code = await new Promise<number | null>((resolve) => child.on("close", resolve));
    if (code !== 0) throw new Error(`the process with the model ended with ${code}`);
    const kubo = await measureKubo(join(dir, "kubo"), path, bytes);
    return {
      ...(JSON.parse(output) as Omit<ModelFigures, "sha256MBps" | "copyMBps" | "kubo">),
      sha256MBps: sha256Rate(),
      copyMBps: await copyRate(path, bytes),
      ...(kubo === undefined ? {} : { kubo }),
    };
  });
}

/** Helia on Level, both with their defaults. */
async function rawHelia(dir: string): Promise<Helia> {
  const blockstore = new LevelBlockstore(dir);
  await blockstore.open();
  const helia = createHeliaLight({ blockstore });
  await helia.start();
  const stop = helia.stop.bind(helia);
  helia.stop = async () => {
    const stopped = await stop();
    await blockstore.close();
    return stopped;
  };
  return helia;
}

/** Seconds for the work on all items, at most {@link CONCURRENCY} at once. */
async function timed<Item>(items: readonly Item[], work: (item: Item) => unknown): Promise<number> {
  const began = systemClock.monotonic();
  let next = 0;
  await Promise.all(
    Array.from({ length: CONCURRENCY }, async () => {
      for (let index = next++; index < items.length; index = next++) await work(items[index] as Item);
    }),
  );
  return (systemClock.monotonic() - began) / 1_000;
}

async function connected(node: HeliaContent): Promise<void> {
  while (node.connections() === 0) await systemClock.sleep(10);
}

function sha256Rate(): number {
  const chunk = new Uint8Array(1024 * 1024);
  const began = systemClock.monotonic();
  const digest = createHash("sha256");
  for (let i = 0; i < 512; i++) digest.update(chunk);
  digest.digest();
  return Math.round((512 * chunk.length) / 1e3 / (systemClock.monotonic() - began));
}

/** Pseudo-random bytes, so that no two blocks are equal. */
async function writeModel(path: string, bytes: number): Promise<void> {
  const piece = recordOf(0, 1024 * 1024);
  const file = await open(path, "w");
  for (let at = 0; at < bytes; at += piece.length) {
    new DataView(piece.buffer).setFloat64(0, at);
    await file.write(piece, 0, Math.min(piece.length, bytes - at));
  }
  await file.close();
}

async function copyRate(path: string, bytes: number): Promise<number> {
  const to = `${path}.copy`;
  const began = systemClock.monotonic();
  await copyFile(path, to);
  const copy = await open(to, "r+");
  await copy.sync();
  await copy.close();
  const rate = Math.round(bytes / 1e3 / (systemClock.monotonic() - began));
  await rm(to);
  return rate;
}

function round(value: number): number {
  return Math.round(value * 1_000) / 1_000;
}

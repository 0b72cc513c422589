import { existsSync } from "node:fs";
import { readFile, rm, writeFile } from "node:fs/promises";
import { createServer, type RequestListener } from "node:http";
import { join } from "node:path";
import { Level } from "level";
import { base32upper } from "multiformats/bases/base32";
import { CID } from "multiformats/cid";
import { expect, onTestFinished } from "vitest";
import { createDiskContent } from "../../../src/ports/content/drivers/disk.js";
import {
  createHeliaContent,
  type HeliaContent,
  type HeliaParameters,
} from "../../../src/ports/content/drivers/helia.js";
import type { ContentStore } from "../../../src/ports/content/index.js";
import { contentIdToCid } from "../../../src/records/index.js";
import { temporaryFolder } from "../../harness/folder.js";
import { patience } from "../../harness/patience.js";

/** A Helia node that is closed after the test. */
export async function startNode(parameters: Partial<HeliaParameters> = {}): Promise<HeliaContent> {
  const content = await createHeliaContent({ dir: parameters.dir ?? temporaryFolder(), ...parameters });
  onTestFinished(() => content.close());
  return content;
}

/** The store in a folder without a network, closed after the test. */
export async function openDisk(dir: string) {
  const content = await createDiskContent({ dir });
  onTestFinished(() => content.close());
  return content;
}

/** An HTTP server on loopback that ends after the test; returns its address. */
export async function startServer(listener: RequestListener): Promise<string> {
  const http = createServer(listener);
  await new Promise<void>((resolve) => http.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => {
    http.closeAllConnections();
    return new Promise<void>((resolve) => http.close(() => resolve()));
  });
  const address = http.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  return `http://127.0.0.1:${address.port}`;
}

/** Bytes that differ from place to place, the same for one seed. */
export function bytesOf(length: number, seed = 1): Uint8Array {
  const bytes = new Uint8Array(length);
  let state = seed >>> 0 || 1;
  for (let i = 0; i < length; i++) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    bytes[i] = state;
  }
  return bytes;
}

/** A CID of which no node has the block. */
export const MISSING_CID = contentIdToCid(`0x${"ab".repeat(32)}`);

/** Flips one bit of a block in the folder of a node that does not run. */
export async function alterOnDisk(dir: string, cid: string): Promise<void> {
  const file = fileOf(dir, cid);
  if (existsSync(file)) return writeFile(file, flipped(await readFile(file)));
  await editBlocks(dir, async (db) => {
    const bytes = await db.get(keyOf(cid));
    if (bytes === undefined) throw new Error(`${cid} is not in ${dir}`);
    await db.put(keyOf(cid), flipped(bytes));
  });
}

/** Takes a block out of the folder of a node that does not run; its age stays. */
export async function removeOnDisk(dir: string, cid: string): Promise<void> {
  await rm(fileOf(dir, cid), { force: true });
  await editBlocks(dir, (db) => db.del(keyOf(cid)));
}

/** Where a store has a large block. */
export function fileOf(dir: string, cid: string): string {
  return join(dir, "store", "files", keyOf(cid).slice(1));
}

function flipped(bytes: Uint8Array): Uint8Array {
  const altered = new Uint8Array(bytes.length === 0 ? 1 : bytes.length);
  altered.set(bytes);
  altered[0] = (altered[0] ?? 0) ^ 1;
  return altered;
}

/** Works on the blocks of a node that does not run, without its checks. */
export async function editBlocks<T>(dir: string, work: (db: Level<string, Uint8Array>) => Promise<T>): Promise<T> {
  const db = new Level<string, Uint8Array>(join(dir, "store", "blocks"), {
    keyEncoding: "utf8",
    valueEncoding: "view",
  });
  await db.open();
  try {
    return await work(db);
  } finally {
    await db.close();
  }
}

/** Where a store on Level keeps a block. */
export function keyOf(cid: string): string {
  return `/${base32upper.encode(CID.parse(cid).multihash.bytes)}`;
}

/** A node that can be stopped and started again on its folder and port, as one store. */
export async function startRestartable(parameters: Partial<HeliaParameters> = {}) {
  const dir = parameters.dir ?? temporaryFolder();
  let running = await createHeliaContent({ ...parameters, dir });
  onTestFinished(() => running.close());
  const listen = running.multiaddrs().map((address) => address.replace(/\/p2p\/.*/, ""));
  const store: ContentStore = {
    put: (...all) => running.put(...all),
    get: (...all) => running.get(...all),
    has: (...all) => running.has(...all),
    putFile: (...all) => running.putFile(...all),
    getFile: (...all) => running.getFile(...all),
    openFile: (...all) => running.openFile(...all),
    putTree: (...all) => running.putTree(...all),
    openTree: (...all) => running.openTree(...all),
    close: () => running.close(),
  };
  return {
    dir,
    store,
    node: () => running,
    /** Runs `between` while the node is down. */
    async restart(between: () => Promise<void> = async () => undefined): Promise<void> {
      await running.close();
      await between();
      running = await createHeliaContent({ ...parameters, dir, listen });
    },
  };
}

/**
 * Waits until a node says within 300 ms that a block is missing: all peers have refused it by then, which takes longer on a busy
 * machine.
 */
export async function expectMissing(reader: Pick<ContentStore, "get">, cid: string): Promise<void> {
  const asked = () => reader.get(cid, { timeoutMs: 300 }).catch((error: unknown) => error);
  await expect.poll(asked, patience).toMatchObject({ code: "content-missing", kind: "missing", retryable: true });
}

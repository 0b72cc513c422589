import { spawn } from "node:child_process";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createMemoryContent, MAX_BLOCK_BYTES } from "../../../../src/ports/content/index.js";
import { bundle } from "../../../harness/bundle.js";
import { temporaryFolder } from "../../../harness/folder.js";
import { patience } from "../../../harness/patience.js";
import { childNode } from "../childNode.js";
import { bytesOf, startNode } from "../contentNodes.js";

/** All that is left of a stream, in one piece. */
async function all(stream: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  return Buffer.concat(chunks);
}

describe("a file that is read as a stream", () => {
  it("is the file from any place on, and no block before it is loaded", async () => {
    const store = createMemoryContent();
    const bytes = bytesOf(5 * MAX_BLOCK_BYTES + 777);
    const { cid } = await store.putFile([bytes]);
    const asked: string[] = [];
    const get = store.get;
    store.get = (part, options) => {
      asked.push(part);
      return get(part, options);
    };
    const file = await store.openFile(cid);
    expect(file.bytes).toBe(bytes.length);
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 0, max: bytes.length }), async (offset) => {
        asked.length = 0;
        const rest = await all(file.read({ offset }));
        expect(Buffer.compare(rest, bytes.subarray(offset))).toBe(0);
        expect(asked.length).toBe(offset === bytes.length ? 0 : 6 - Math.floor(offset / MAX_BLOCK_BYTES));
      }),
      { numRuns: 20, examples: [[0], [MAX_BLOCK_BYTES], [MAX_BLOCK_BYTES - 1], [bytes.length]] },
    );
  });

  it("is checked against its sha256 at the end, and only as a whole", async () => {
    const store = createMemoryContent();
    const { cid, sha256 } = await store.putFile([bytesOf(2_000_000)]);
    const file = await store.openFile(cid);
    expect(await all(file.read({ sha256 }))).toHaveLength(2_000_000);
    const other = `0x${"00".repeat(32)}` as const;
    await expect(all(file.read({ sha256: other }))).rejects.toMatchObject({ kind: "corrupt" });
    for (const wrong of [{ offset: 1, sha256 }, { offset: -1 }, { offset: 0.5 }, { offset: 2_000_001 }]) {
      await expect(all(file.read(wrong))).rejects.toMatchObject({ code: "invalid-input" });
    }
    await expect(store.openFile(cid, { maxBytes: 1_999_999 })).rejects.toMatchObject({ kind: "too-large" });
  });

  it("loads a few blocks ahead of its reader, and stops when the reader does", async () => {
    const store = createMemoryContent();
    const { cid } = await store.putFile([bytesOf(30 * MAX_BLOCK_BYTES)]);
    const signals: (AbortSignal | undefined)[] = [];
    const get = store.get;
    store.get = (part, options) => {
      signals.push(options?.signal);
      return get(part, options);
    };
    const file = await store.openFile(cid);
    for await (const _ of file.read()) break;
    expect(signals.length).toBeLessThanOrEqual(1 + 8 + 1);
    expect(signals.at(-1)?.aborted).toBe(true);
  });

  it("goes on from another provider where one is killed in its middle, and fetches nothing that is here", async () => {
    const source = await childNode(temporaryFolder());
    const other = await startNode();
    const bytes = bytesOf(16 * MAX_BLOCK_BYTES);
    const { cid, sha256 } = await other.putFile([bytes]);
    for (let at = 0; at < bytes.length; at += MAX_BLOCK_BYTES) {
      await source.put(bytes.subarray(at, at + MAX_BLOCK_BYTES));
    }
    const reader = await startNode({ peers: [...source.multiaddrs, ...other.multiaddrs()] });
    await expect.poll(() => reader.connections()).toBe(2);
    const file = await reader.openFile(cid, { providers: [source.peerId], timeoutMs: patience.timeout });
    let seen = 0;
    for await (const chunk of file.read({ sha256 })) {
      seen += chunk.length;
      if (seen === 3 * MAX_BLOCK_BYTES) await source.kill();
    }
    expect(seen).toBe(bytes.length);
    // With nobody left, all of it is here.
    await other.close();
    expect(Buffer.compare(await all((await reader.openFile(cid)).read({ sha256 })), bytes)).toBe(0);
  });

  it("resumes after a cut with the blocks that had come, and asks for the others only", async () => {
    const source = await startNode();
    const bytes = bytesOf(12 * MAX_BLOCK_BYTES);
    const { cid, sha256 } = await source.putFile([bytes]);
    const reader = await startNode({ peers: source.multiaddrs() });
    await expect.poll(() => reader.connections()).toBe(1);
    let seen = 0;
    for await (const chunk of (await reader.openFile(cid)).read()) {
      seen += chunk.length;
      if (seen === 4 * MAX_BLOCK_BYTES) break;
    }
    let here = 0;
    for await (const _ of reader.blocks()) here += 1;
    expect(here).toBeGreaterThanOrEqual(1 + 4);
    expect(here).toBeLessThan(1 + 12);
    expect(Buffer.compare(await all((await reader.openFile(cid)).read({ sha256 })), bytes)).toBe(0);
  });

  it("passes through a node in flat memory, both ways", async () => {
    const size = 128 * 1024 * 1024;
    const script = await bundle(new URL("../modelChild.ts", import.meta.url));
    const child = spawn(process.execPath, [script, temporaryFolder(), `${size}`], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    let out = "";
    child.stdout.on("data", (chunk: Buffer) => {
      out += chunk.toString();
    });
    const code = await new Promise((resolve) => child.on("close", resolve));
    expect(code).toBe(0);
    const { bytes, heldBytes } = JSON.parse(out) as { bytes: number; heldBytes: number };
    expect(bytes).toBe(size);
    // Far less than the file, and the same for one of any size.
    expect(heldBytes).toBeLessThan(96 * 1024 * 1024);
  });
});

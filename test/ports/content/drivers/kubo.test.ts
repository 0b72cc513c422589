import type { RequestListener, ServerResponse } from "node:http";
import { describe, expect, it } from "vitest";
import { createKuboContent, MAX_BLOCK_BYTES } from "../../../../src/ports/content/index.js";
import { contentIdOf, contentIdToCid } from "../../../../src/records/index.js";
import { NEVER_MS } from "../../../harness/patience.js";
import { conforms } from "../conformance.js";
import { bytesOf, startServer } from "../contentNodes.js";
import { kuboLikeServer } from "./kuboServer.js";

const bytes = bytesOf(1_000);
const cid = contentIdToCid(contentIdOf(bytes), "raw");
/** The RPC address of a real node, such as http://127.0.0.1:5001. */
const REAL = process.env.WITAN_TEST_KUBO;

conforms("Kubo (a server in the test that speaks its RPC)", async () => {
  const { url, blocks } = await kuboLikeServer();
  const store = createKuboContent({ url });
  const alter = async (name: string) => {
    const block = blocks.get(name);
    if (block === undefined) throw new Error("no such block");
    block[0] = (block[0] ?? 0) ^ 1;
  };
  return { writer: store, reader: store, alter };
});

if (REAL === undefined) {
  it.skip("SKIPPED: a real Kubo node is tested only where WITAN_TEST_KUBO holds the address of its RPC", () =>
    undefined);
} else {
  conforms(`Kubo (the real node at ${REAL})`, async () => {
    const store = createKuboContent({ url: REAL });
    const call = (command: string) => fetch(new URL(`/api/v0/${command}`, REAL), { method: "POST" });
    // Its disk is not ours to alter: the block is taken away instead.
    const alter = async (name: string) => {
      // Kubo removes nothing that is pinned: directly, as a root, or below one.
      for (;;) {
        const { Keys } = (await (await call(`pin/ls?arg=${name}&type=all`)).json()) as {
          Keys?: Record<string, { Type: string }>;
        };
        const type = Keys?.[name]?.Type;
        if (type === undefined) break;
        const root = /^indirect through (\S+)$/.exec(type)?.[1] ?? name;
        const { ok } = await call(`pin/rm?arg=${root}&recursive=${type !== "direct"}`);
        expect(ok).toBe(true);
      }
      await call(`block/rm?arg=${name}`);
    };
    return { writer: store, reader: store, alter };
  });
}

describe("a Kubo store", () => {
  it("pins what is put, by itself, and a file with all that it links to, under its name", async () => {
    const { url, pins } = await kuboLikeServer();
    const store = createKuboContent({ url });
    const record = await store.put(bytes, { keep: "record" });
    const file = await store.putFile([bytesOf(2 * MAX_BLOCK_BYTES)], { keep: "model" });
    expect(pins.get(record)).toEqual({ recursive: false, name: `record/${record}` });
    expect(pins.get(file.cid)).toEqual({ recursive: true, name: `model/${file.cid}` });
    // Again, as one block: it stays pinned with all that it links to.
    const root = await store.get(file.cid);
    expect(await store.put(root, { codec: "dag-pb" })).toBe(file.cid);
    expect(pins.get(file.cid)).toMatchObject({ recursive: true });
  });

  it.each<[string, RequestListener, string]>([
    ["gives other bytes", (_, response) => void response.end(bytesOf(1_000, 2)), "corrupt"],
    ["sends without end", (_, response) => pour(response), "too-large"],
    ["does not answer", () => undefined, "timeout"],
    ["complains without end", (_, response) => pour(response.writeHead(500)), "too-large"],
    ["does not know the call", (_, response) => void response.writeHead(404).end("404 page not found"), "missing"],
  ])("says so, within its time and bytes, when the node %s", async (_what, listener, kind) => {
    const store = createKuboContent({ url: await startServer(listener) });
    // Only a node that does not answer may take its time.
    const timeoutMs = kind === "timeout" ? 500 : NEVER_MS;
    await expect(store.get(cid, { timeoutMs })).rejects.toMatchObject({ kind });
  });

  it("does not believe that something was stored, nor that a node is there", async () => {
    const liar = await startServer((_, response) => void response.end(JSON.stringify({ Key: "other", Size: 1 })));
    await expect(createKuboContent({ url: liar }).put(bytes)).rejects.toMatchObject({ kind: "storage" });
    const away = createKuboContent({ url: "http://127.0.0.1:1" });
    await expect(away.put(bytes)).rejects.toMatchObject({ kind: "storage" });
    await expect(away.get(cid)).rejects.toMatchObject({ kind: "storage" });
  });

  it("sends what the node wants to see of its caller, and shows it to nobody else", async () => {
    const seen: unknown[] = [];
    const url = await startServer(({ headers }, response) => {
      seen.push(headers.authorization);
      response.writeHead(403).end("403 - Forbidden");
    });
    const error = await createKuboContent({ url, authorization: "Bearer hush" }).get(cid).catch(String);
    expect(seen).toEqual(["Bearer hush"]);
    expect(error).not.toContain("hush");
    for (const wrong of ["127.0.0.1:5001", "ftp://127.0.0.1", "http://me:hush@127.0.0.1"]) {
      expect(() => createKuboContent({ url: wrong })).toThrow(expect.objectContaining({ code: "config" }));
      expect(() => createKuboContent({ url: wrong })).not.toThrow(/hush/);
    }
  });
});

/** Sends for as long as it is read. */
function pour(response: ServerResponse): void {
  while (!response.destroyed && response.write(bytesOf(64 * 1024)));
  if (!response.destroyed) response.once("drain", () => pour(response));
}

import type { RequestListener, ServerResponse } from "node:http";
import { describe, expect, it, vi } from "vitest";
import {
  ContentError,
  createGatewayContent,
  createGatewayHandler,
  createMemoryContent,
  MAX_BLOCK_BYTES,
} from "../../../../src/ports/content/index.js";
import { contentIdOf, contentIdToCid } from "../../../../src/records/index.js";
import { NEVER_MS } from "../../../harness/patience.js";
import { bytesOf, MISSING_CID, startServer } from "../contentNodes.js";

const bytes = bytesOf(1_000);
const cid = contentIdToCid(contentIdOf(bytes), "raw");

const right: RequestListener = (_request, response) => void response.end(bytes);
const other: RequestListener = (_request, response) => void response.end(bytesOf(1_000, 2));
const none: RequestListener = (_request, response) => void response.writeHead(404).end("not here");
const silent: RequestListener = () => undefined;
const endless: RequestListener = (_request, response) => pour(response);
const broken: RequestListener = (_request, response) => {
  response.writeHead(200, { "content-length": "1000" }).write(bytes.subarray(0, 10));
  response.once("drain", () => undefined);
  setImmediate(() => response.destroy());
};
/** Sends for as long as it is read. */
function pour(response: ServerResponse): void {
  while (!response.destroyed && response.write(bytesOf(64 * 1024)));
  if (!response.destroyed) response.once("drain", () => pour(response));
}

import { NEVER_MS } from "../../../harness/patience.js";

describe("a gateway store", () => {
  it.each<[string, RequestListener, string]>([
    ["does not have the block", none, "missing"],
    ["gives other bytes", other, "corrupt"],
    ["sends without end", endless, "too-large"],
    ["does not answer", silent, "timeout"],
    ["breaks off", broken, "missing"],
  ])("goes to the next gateway when one %s, and says so when it is the last", async (_what, listener, kind) => {
    const url = await startServer(listener);
    // Only a gateway that does not answer may take its time.
    const timeoutMs = kind === "timeout" ? 500 : NEVER_MS;
    await expect(createGatewayContent({ urls: [url] }).get(cid, { timeoutMs })).rejects.toMatchObject({ kind });
    const next = await startServer(right);
    const both = createGatewayContent({ urls: [url, next] });
    expect(await both.get(cid, { timeoutMs: kind === "timeout" ? 1_000 : NEVER_MS })).toEqual(bytes);
  });

  it("says the worst that it has met, with what each gateway did", async () => {
    const urls = [await startServer(none), await startServer(other), "http://127.0.0.1:1"];
    const error = await createGatewayContent({ urls })
      .get(cid)
      .catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(ContentError);
    expect(error).toMatchObject({ kind: "corrupt", details: expect.stringContaining(`${urls[0]} answers 404`) });
    expect(error).toMatchObject({ details: expect.stringContaining("http://127.0.0.1:1 cannot be reached") });
  });

  it("asks as the trustless gateway specification says, below the path it was given", async () => {
    const asked: unknown[] = [];
    const url = await startServer(({ method, url: path, headers }, response) => {
      asked.push([method, path, headers.accept]);
      response.end(bytes);
    });
    await createGatewayContent({ urls: [`${url}/a/b`] }).get(cid);
    expect(asked).toEqual([["GET", `/a/b/ipfs/${cid}?format=raw`, "application/vnd.ipld.raw"]]);
  });

  it("stores nothing, and holds nothing itself", async () => {
    const store = createGatewayContent({ urls: ["http://127.0.0.1:1"] });
    await expect(store.put(bytes)).rejects.toMatchObject({ kind: "read-only", retryable: false });
    await expect(store.putFile([bytes])).rejects.toMatchObject({ kind: "read-only" });
    expect(await store.has(cid)).toBe(false);
  });

  it("ends at once when its caller aborts", async () => {
    const url = await startServer(silent);
    const controller = new AbortController();
    const waiting = createGatewayContent({ urls: [url, url] }).get(cid, {
      signal: controller.signal,
      timeoutMs: 60_000,
    });
    const reason = new Error("enough");
    controller.abort(reason);
    await expect(waiting).rejects.toBe(reason);
  });

  it("needs addresses, and shows no secret in one", () => {
    const config = expect.objectContaining({ code: "config" });
    for (const urls of [
      [],
      ["gateway"],
      ["ftp://127.0.0.1"],
      ["http://127.0.0.1?token=hush"],
      ["http://me:hush@127.0.0.1"],
    ]) {
      expect(() => createGatewayContent({ urls })).toThrow(config);
      expect(() => createGatewayContent({ urls })).not.toThrow(/hush/);
    }
  });
});

describe("the server side of a gateway", () => {
  it("serves a block that the store holds, for ever", async () => {
    const store = createMemoryContent();
    await store.put(bytes, { codec: "raw" });
    const answer = createGatewayHandler(store);
    expect(await answer(`/ipfs/${cid}?format=raw`)).toEqual({
      status: 200,
      headers: expect.objectContaining({
        "content-type": "application/vnd.ipld.raw",
        "content-length": "1000",
        "cache-control": expect.stringContaining("immutable"),
        etag: `"${cid}.raw"`,
        "x-content-type-options": "nosniff",
      }),
      body: bytes,
    });
    expect(await answer(`/ipfs/${cid}`, "text/html, application/vnd.ipld.raw")).toMatchObject({ status: 200 });
  });

  it.each([
    ["a block that is not here", `/ipfs/${MISSING_CID}?format=raw`, 404],
    ["another format", `/ipfs/${cid}?format=car`, 406],
    ["no format", `/ipfs/${cid}`, 406],
    ["no CID", "/ipfs/?format=raw", 400],
    ["a CID that is none", "/ipfs/hello?format=raw", 400],
    ["a path in a block", `/ipfs/${cid}/a?format=raw`, 400],
    ["another path", "/", 400],
    ["a long path", `/ipfs/${"a".repeat(10_000)}?format=raw`, 400],
  ])("refuses %s", async (_what, path, status) => {
    const answer = createGatewayHandler(createMemoryContent());
    expect(await answer(path)).toMatchObject({ status, headers: { "content-type": "text/plain; charset=utf-8" } });
  });

  it("fetches nothing for strangers", async () => {
    const store = createMemoryContent();
    const get = vi.spyOn(store, "get");
    await createGatewayHandler(store)(`/ipfs/${MISSING_CID}?format=raw`);
    expect(get).not.toHaveBeenCalled();
  });

  it("calls a block missing that was altered between two looks, and hides no failure of its own", async () => {
    const path = `/ipfs/${cid}?format=raw`;
    const has = async () => true;
    const get = (error: Error) => () => Promise.reject(error);
    expect(await createGatewayHandler({ has, get: get(new ContentError("corrupt", "altered")) })(path)).toMatchObject({
      status: 404,
    });
    await expect(createGatewayHandler({ has, get: get(new Error("disk")) })(path)).rejects.toThrow("disk");
  });

  it("serves a block of the largest size", async () => {
    const store = createMemoryContent();
    const large = await store.put(bytesOf(MAX_BLOCK_BYTES), { codec: "raw" });
    expect((await createGatewayHandler(store)(`/ipfs/${large}?format=raw`)).body).toHaveLength(MAX_BLOCK_BYTES);
  });
});

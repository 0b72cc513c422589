import { expect, it } from "vitest";
import { InvalidInputError } from "../../../src/errors.js";
import { ListenError, serveHttp } from "../../../src/surfaces/http/server.js";

const handlers = {
  status: async () => ({ cycle: 7n }),
  ballots: (proposalId: string) => ({ proposalId }),
  document: async (envelope: Uint8Array) => `bagu${envelope.length}`,
  payload: async (envelope: Uint8Array) => {
    if (envelope.length === 0) throw new InvalidInputError("nothing was sent");
    return "bafy";
  },
  block: async (path: string, accept = "") => ({
    status: 200,
    headers: { "x-path": path, "x-accept": accept },
    body: new Uint8Array([1, 2, 3]),
  }),
};

it("serves health, status, ballots and blocks, and nothing else", async () => {
  const server = await serveHttp("127.0.0.1", 0, handlers);
  const get = (path: string, method = "GET") => fetch(`${server.url}${path}`, { method });
  expect(await (await get("/health")).json()).toEqual({ ok: true });
  expect(await (await get("/status")).json()).toEqual({ cycle: "7" });
  expect(await (await get("/ballots/12")).json()).toEqual({ proposalId: "12" });
  expect((await get("/ballots/x")).status).toBe(404);
  const accept = "application/json";
  const asked = await fetch(`${server.url}/ipfs/bafy`, { headers: { accept } });
  expect(asked.headers.get("x-accept")).toBe(accept);
  const block = await get("/ipfs/bafy?format=raw");
  expect(block.headers.get("x-path")).toBe("/ipfs/bafy?format=raw");
  expect(new Uint8Array(await block.arrayBuffer())).toEqual(new Uint8Array([1, 2, 3]));
  expect((await get("/nothing")).status).toBe(404);
  expect((await get("/status", "POST")).status).toBe(405);
  await server.close();
  await expect(get("/health")).rejects.toThrow();
});

it("answers 500 with one sentence when a handler fails", async () => {
  const server = await serveHttp("127.0.0.1", 0, { ...handlers, status: () => Promise.reject(new Error("no chain")) });
  const response = await fetch(`${server.url}/status`);
  expect([response.status, await response.json()]).toEqual([500, { error: "no chain" }]);
  await server.close();
});

it("says that the port is in use", async () => {
  const server = await serveHttp("127.0.0.1", 0, handlers);
  const port = Number(new URL(server.url).port);
  await expect(serveHttp("127.0.0.1", port, handlers)).rejects.toThrow(ListenError);
  await expect(serveHttp("127.0.0.1", port, handlers)).rejects.toThrow("the port is in use");
  await server.close();
});

it("takes payloads and documents within bounds and says why it refuses others", async () => {
  const server = await serveHttp("127.0.0.1", 0, handlers);
  const post = async (body: Uint8Array, path = "payload") => {
    const response = await fetch(`${server.url}/${path}`, { method: "POST", body: Buffer.from(body) });
    return [response.status, await response.json()];
  };
  expect(await post(new Uint8Array(10))).toEqual([200, { cid: "bafy" }]);
  expect(await post(new Uint8Array(0))).toEqual([400, { error: "nothing was sent" }]);
  expect((await post(new Uint8Array(200_000)))[0]).toBe(413);
  expect(await post(new Uint8Array(10), "document")).toEqual([200, { cid: "bagu10" }]);
  expect((await post(new Uint8Array(200_000), "document"))[0]).toBe(413);
  await server.close();
});

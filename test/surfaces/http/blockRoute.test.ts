import { expect, it } from "vitest";
import { createJsonContent, createMemoryContent } from "../../../src/ports/content/index.js";
import { contentIdToCid, encodeRecord } from "../../../src/records/index.js";
import { createBlockRoute } from "../../../src/surfaces/http/blockRoute.js";
import { incident } from "../../records/samples.js";

const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);

it("gives the JSON view of a record and the value of a JSON document, by query or by header", async () => {
  const content = createMemoryContent();
  const { bytes, cid } = encodeRecord("Incident", incident);
  await content.put(bytes);
  const document = await createJsonContent(content).put({ hello: "world" });
  const answer = createBlockRoute(content);
  for (const [id, value] of [
    [cid, incident],
    [document, { hello: "world" }],
  ] as const) {
    const asked = [await answer(`/ipfs/${id}?format=json`), await answer(`/ipfs/${id}`, "application/json, */*")];
    for (const { status, headers, body } of asked) {
      expect([status, headers["content-type"], headers.etag]).toEqual([200, "application/json", `"${id}.json"`]);
      expect(headers["content-length"]).toBe(String(body.length));
      expect(JSON.parse(text(body))).toEqual(value);
    }
  }
});

it("gives the bytes as before, and lets the query take precedence over the header", async () => {
  const content = createMemoryContent();
  const { bytes, cid } = encodeRecord("Incident", incident);
  await content.put(bytes);
  const answer = createBlockRoute(content);
  for (const [path, accept] of [
    [`/ipfs/${cid}?format=raw`, undefined],
    [`/ipfs/${cid}?format=raw`, "application/json"],
    [`/ipfs/${cid}`, "application/vnd.ipld.raw"],
  ] as const) {
    expect((await answer(path, accept)).body).toEqual(bytes);
  }
  expect((await answer(`/ipfs/${cid}`)).status).toBe(406);
});

it("refuses what has no JSON view, what is not held and what is not a CID", async () => {
  const content = createMemoryContent();
  const answer = createBlockRoute(content);
  const raw = await content.put(new Uint8Array([1]), { codec: "raw" });
  expect((await answer(`/ipfs/${raw}?format=json`)).status).toBe(406);
  const notCbor = await content.put(new Uint8Array([0xff]));
  expect((await answer(`/ipfs/${notCbor}?format=json`)).status).toBe(404);
  const notJson = await content.put(new Uint8Array([0xff]), { codec: "json" });
  expect((await answer(`/ipfs/${notJson}?format=json`)).status).toBe(404);
  const missing = contentIdToCid(`0x${"ab".repeat(32)}`);
  expect((await answer(`/ipfs/${missing}?format=json`)).status).toBe(404);
  expect((await answer("/ipfs/hello?format=json")).status).toBe(406);
});

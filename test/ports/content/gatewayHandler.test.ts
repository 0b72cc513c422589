import { describe, expect, it } from "vitest";
import { cidOfBlock } from "../../../src/ports/content/cid.js";
import { ContentError, type ContentErrorKind } from "../../../src/ports/content/content.js";
import { createMemoryContent } from "../../../src/ports/content/drivers/memory.js";
import { createGatewayHandler } from "../../../src/ports/content/gatewayHandler.js";

const bytes = new TextEncoder().encode("a block");
const cid = cidOfBlock(bytes, "raw");

/** The answers of a store that holds the one block, and the CIDs that the store was asked for. */
async function gateway() {
  const store = createMemoryContent();
  await store.put(bytes, { codec: "raw" });
  const asked: string[] = [];
  const answer = createGatewayHandler({
    has: (wanted) => {
      asked.push(wanted);
      return store.has(wanted);
    },
    get: (wanted) => store.get(wanted),
  });
  return { answer, asked };
}

/** The answer of a store that says it has everything, and fails when it is read. */
const failing = (error: Error) =>
  createGatewayHandler({ has: async () => true, get: () => Promise.reject(error) })(`/ipfs/${cid}?format=raw`);

describe("a gateway's answer", () => {
  it.each([
    ["by its query", `/ipfs/${cid}?format=raw`, undefined],
    ["by its query among others", `/ipfs/${cid}?filename=a.bin&format=raw`, "text/html"],
    ["by its accept header", `/ipfs/${cid}`, "application/vnd.ipld.raw"],
    ["by its accept header among others", `/ipfs/${cid}?x=1`, "text/html, application/vnd.ipld.raw;q=0.5"],
  ])("is the block if the request asks for it %s", async (_, path, accept) => {
    const { answer } = await gateway();
    expect(await answer(path, accept)).toMatchObject({ status: 200, body: bytes });
  });

  it("can be saved and cached under the CID, and is not taken for a web page", async () => {
    const { answer } = await gateway();
    const { headers } = await answer(`/ipfs/${cid}?format=raw`);
    expect(headers).toEqual({
      "content-type": "application/vnd.ipld.raw",
      "content-length": String(bytes.length),
      "content-disposition": `attachment; filename="${cid}.bin"`,
      "cache-control": "public, max-age=29030400, immutable",
      etag: `"${cid}.raw"`,
      "x-content-type-options": "nosniff",
    });
  });

  it.each([
    ["a format that is not served", `/ipfs/${cid}?format=car`, 406],
    ["a format whose name only begins alike", `/ipfs/${cid}?format=rawer`, 406],
    ["a fragment", `/ipfs/${cid}#a`, 400],
    ["a path that only ends alike", `/other/ipfs/${cid}?format=raw`, 400],
    ["a name of 129 characters", `/ipfs/${"a".repeat(129)}?format=raw`, 400],
  ])("refuses %s without asking the store", async (_, path, status) => {
    const { answer, asked } = await gateway();
    expect(await answer(path)).toMatchObject({ status });
    expect(asked).toEqual([]);
  });

  it("reads a name of 128 characters, and refuses it as no CID", async () => {
    const { answer, asked } = await gateway();
    expect(await answer(`/ipfs/${"a".repeat(128)}?format=raw`)).toMatchObject({ status: 400 });
    expect(asked).toHaveLength(1);
  });

  it("says in a sentence why it refuses, as long as its header says", async () => {
    const { answer } = await gateway();
    for (const path of ["/", `/ipfs/${cid}`, "/ipfs/hello?format=raw", `/ipfs/${cidOfBlock(bytes)}?format=raw`]) {
      const { headers, body } = await answer(path);
      expect(new TextDecoder().decode(body)).toMatch(/^\S+ .*\.\n$/);
      expect(headers["content-length"]).toBe(String(body.length));
    }
  });

  it.each<[ContentErrorKind, number]>([
    ["missing", 404],
    ["corrupt", 404],
    ["timeout", 404],
    ["invalid-cid", 400],
  ])("is a refusal where the store says %s", async (kind, status) => {
    const { body, ...answer } = await failing(new ContentError(kind, "The store says no."));
    expect([answer.status, new TextDecoder().decode(body)]).toEqual([status, "The store says no.\n"]);
  });

  it("hides no failure of the program", async () => {
    await expect(failing(new TypeError("broken"))).rejects.toThrow(TypeError);
  });
});

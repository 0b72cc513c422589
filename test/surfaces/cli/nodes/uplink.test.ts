import { expect, it, onTestFinished } from "vitest";
import type { Chain } from "../../../../src/ports/chain/index.js";
import { createJsonContent, createMemoryContent } from "../../../../src/ports/content/index.js";
import { openEnvelope } from "../../../../src/ports/keys/envelope.js";
import { codecOfCid } from "../../../../src/records/index.js";
import { createDownlink, createUplink } from "../../../../src/surfaces/cli/nodes/uplink.js";
import { createBlockRoute } from "../../../../src/surfaces/http/blockRoute.js";
import { serveHttp } from "../../../../src/surfaces/http/server.js";
import { operatorKey } from "../../../harness/deploy.js";

const signer = operatorKey(0);
const context = { chainId: 31337, governor: signer.address as `0x${string}` };
/** The parts of a chain that an uplink reads. */
const chain = { chainId: 31337, addresses: { NodeGovernor: context.governor }, signer } as unknown as Chain;

/** A node that stores what its members send; each topic with the codec of its blocks. */
async function startNode(accept = true) {
  const content = createMemoryContent();
  const store = (topic: string, codec: "dag-cbor" | "json") => async (envelope: Uint8Array) => {
    if (!accept) throw new Error("the disk is full");
    const { author, body } = openEnvelope({ ...context, topic }, envelope);
    expect(author).toBe(signer.address);
    return content.put(Buffer.from(body, "base64"), { codec });
  };
  const server = await serveHttp("127.0.0.1", 0, {
    status: async () => ({}),
    ballots: () => ({}),
    block: createBlockRoute(content),
    payload: store("payload", "dag-cbor"),
    document: store("document", "json"),
  });
  onTestFinished(() => server.close());
  return { url: server.url, content };
}

it("hands payloads and JSON documents to the first node that accepts them, and reads them back", async () => {
  const [full, node] = [await startNode(false), await startNode()];
  const uplink = createUplink(["http://127.0.0.1:9", full.url, node.url], chain);
  const payload = await uplink.put(new Uint8Array([0xa0]));
  expect(codecOfCid(payload)).toBe("dag-cbor");
  expect(await uplink.get(payload)).toEqual(new Uint8Array([0xa0]));
  const document = await createJsonContent(uplink).put({ hello: "world" }, { keep: "document" });
  expect(codecOfCid(document)).toBe("json");
  expect(await createJsonContent(createDownlink([node.url])).get(document)).toEqual({ hello: "world" });
});

it("says why each node refused", async () => {
  const full = await startNode(false);
  const put = createUplink([full.url, "http://127.0.0.1:9"], chain).put(new Uint8Array([0xa0]));
  await expect(put).rejects.toMatchObject({
    code: "content-storage",
    details: expect.stringMatching(/the disk is full.*127\.0\.0\.1:9 cannot be reached/s),
  });
  await expect(createUplink([], chain).put(new Uint8Array([0xa0]))).rejects.toMatchObject({
    details: "the network document names no gateway",
  });
});

it("writes nothing without a key", async () => {
  const reading = { ...chain, signer: undefined } as unknown as Chain;
  await expect(createUplink(["http://127.0.0.1:9"], reading).put(new Uint8Array([1]))).rejects.toMatchObject({
    code: "content-read-only",
  });
});

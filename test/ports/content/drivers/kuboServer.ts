import type { IncomingMessage, ServerResponse } from "node:http";
import { createMemoryContent } from "../../../../src/ports/content/index.js";
import type { BlockCodec } from "../../../../src/records/index.js";
import { startServer } from "../contentNodes.js";

/**
 * NOT Kubo: a server in the test that speaks four calls of its RPC as its reference says
 * (https://docs.ipfs.tech/reference/kubo/rpc/), over blocks in memory. A real node is tested where its address is given.
 */
export async function kuboLikeServer() {
  const blocks = new Map<string, Uint8Array>();
  const pins = new Map<string, { recursive: boolean; name: string }>();
  const store = createMemoryContent(blocks);

  const commands: Record<string, (query: URLSearchParams, request: IncomingMessage) => Promise<object | Uint8Array>> = {
    async "block/put"(query, request) {
      const form = await new Response(await bodyOf(request), {
        headers: { "content-type": request.headers["content-type"] ?? "" },
      }).formData();
      const [file] = [...form.values()];
      if (typeof file === "string" || file === undefined) throw new Error("file argument 'data' is required");
      const bytes = new Uint8Array(await file.arrayBuffer());
      const Key = await store.put(bytes, { codec: query.get("cid-codec") as BlockCodec });
      return { Key, Size: bytes.length };
    },
    "block/get": (query) => store.get(query.get("arg") ?? ""),
    async "block/stat"(query) {
      const Key = query.get("arg") ?? "";
      return { Key, Size: (await store.get(Key)).length };
    },
    async "pin/add"(query) {
      const cid = query.get("arg") ?? "";
      const recursive = query.get("recursive") !== "false";
      if (!recursive && pins.get(cid)?.recursive) throw new Error(`pin: ${cid} already pinned recursively`);
      await store.get(cid);
      pins.set(cid, { recursive, name: query.get("name") ?? "" });
      return { Pins: [cid] };
    },
  };

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? "/", "http://localhost");
    const command = commands[url.pathname.replace("/api/v0/", "")];
    if (request.method !== "POST") return void response.writeHead(405).end();
    if (command === undefined) return void response.writeHead(404).end("404 page not found");
    try {
      const result = await command(url.searchParams, request);
      const body = result instanceof Uint8Array ? result : JSON.stringify(result);
      response.writeHead(200, { "content-type": "application/json" }).end(body);
    } catch (error) {
      const Message = error instanceof Error ? error.message : String(error);
      response.writeHead(500).end(JSON.stringify({ Message, Code: 0, Type: "error" }));
    }
  }
  const url = await startServer((request, response) => void answer(request, response));
  return { url, blocks, pins };
}

async function bodyOf(request: IncomingMessage): Promise<Uint8Array<ArrayBuffer>> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of request as AsyncIterable<Uint8Array>) chunks.push(chunk);
  return Uint8Array.from(Buffer.concat(chunks));
}

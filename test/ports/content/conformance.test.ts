import { createGatewayContent, createGatewayHandler, createMemoryContent } from "../../../src/ports/content/index.js";
import { conforms } from "./conformance.js";
import { alterOnDisk, startNode, startRestartable, startServer } from "./contentNodes.js";

conforms("memory", async () => {
  const blocks = new Map<string, Uint8Array>();
  const store = createMemoryContent(blocks);
  return { writer: store, reader: store, alter: async (cid) => void flip(blocks.get(cid)) };
});

conforms("gateway", async () => {
  const blocks = new Map<string, Uint8Array>();
  const writer = createMemoryContent(blocks);
  const answer = createGatewayHandler(writer);
  const url = await startServer(async (request, response) => {
    const { status, headers, body } = await answer(request.url ?? "/", request.headers.accept);
    response.writeHead(status, headers).end(body);
  });
  return { writer, reader: createGatewayContent({ urls: [url] }), alter: async (cid) => void flip(blocks.get(cid)) };
});

conforms("Helia", async () => {
  const { store, dir, restart } = await startRestartable();
  return { writer: store, reader: store, alter: (cid) => restart(() => alterOnDisk(dir, cid)) };
});

conforms("Helia (read by a peer)", async () => {
  const { store, dir, restart, node: writer } = await startRestartable();
  const reader = await startNode({ peers: writer().multiaddrs() });
  return { writer: store, reader, alter: (cid) => restart(() => alterOnDisk(dir, cid)) };
});

function flip(bytes: Uint8Array | undefined): void {
  if (bytes === undefined) throw new Error("no such block");
  bytes[0] = (bytes[0] ?? 0) ^ 1;
}

// The demo workload, release v1: a small HTTP server that is healthy.
import { createServer } from "node:http";

const RELEASE = "v1";
const started = Date.now();

const server = createServer((request, response) => {
  const found = request.method === "GET" && request.url === "/health";
  const body = found ? { release: RELEASE, uptime: (Date.now() - started) / 1_000 } : { error: "not found" };
  response.writeHead(found ? 200 : 404, { "content-type": "application/json" });
  response.end(JSON.stringify(body));
});

server.listen(Number(process.env.PORT), "127.0.0.1", () => console.log(`${RELEASE} listens on ${process.env.PORT}`));
process.on("SIGTERM", () => server.close(() => process.exit(0)).closeAllConnections());

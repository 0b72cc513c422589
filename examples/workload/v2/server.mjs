// The demo workload, release v2: it starts and listens like v1, but it is broken, and its health check says so.
import { createServer } from "node:http";

const RELEASE = "v2";
const started = Date.now();

const server = createServer((request, response) => {
  const found = request.method === "GET" && request.url === "/health";
  const body = found
    ? { release: RELEASE, uptime: (Date.now() - started) / 1_000, error: "the cache did not warm up" }
    : { error: "not found" };
  response.writeHead(found ? 500 : 404, { "content-type": "application/json" });
  response.end(JSON.stringify(body));
});

server.listen(Number(process.env.PORT), "127.0.0.1", () => console.log(`${RELEASE} listens on ${process.env.PORT}`));
process.on("SIGTERM", () => server.close(() => process.exit(0)).closeAllConnections());

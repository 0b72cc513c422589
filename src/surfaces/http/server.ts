import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { BaseError, messageOf } from "../../errors.js";
import type { GatewayResponse } from "../../ports/content/index.js";
import type { CatalogRoutes } from "./catalogRoutes.js";

/** The functions that answer the requests to a node. */
export interface HttpHandlers {
  readonly status: () => Promise<unknown>;
  /** GET /ballots/{proposalId}: the ballots that the node knows, also those that are not on chain yet. */
  readonly ballots: (proposalId: string) => unknown;
  /** GET /ipfs/{cid}: a trustless gateway over the node's own blocks; takes the path with its query, and the accept header. */
  readonly block: (path: string, accept?: string) => Promise<GatewayResponse>;
  /** POST /payload: stores and pins a directive's payload for the member that signed the envelope. Resolves with the CID. */
  readonly payload: (envelope: Uint8Array) => Promise<string>;
  /** POST /document: the same for a JSON document. */
  readonly document: (envelope: Uint8Array) => Promise<string>;
  /** GET /records, /incidents, /models/{id}/lineage and /catalog: answers from the node's catalog. */
  readonly catalog?: CatalogRoutes | undefined;
}

/** Twice the size of an envelope with the most that it may hold, 48 KiB. */
const MAX_BODY_BYTES = 128 * 1024;
const ROUTES =
  "there are /health, /status, /ballots/{proposal id}, /records, /incidents, /models/{id}/lineage, /catalog and /ipfs/{cid}";
/** A proposal's id: a number of 256 bits in decimal. */
const BALLOTS_PATH = /^\/ballots\/\d{1,78}$/;

export interface RunningServer {
  readonly url: string;
  close(): Promise<void>;
}

/** The server cannot listen on the address. */
export class ListenError extends BaseError {
  constructor(host: string, port: number, cause: unknown) {
    const code = (cause as NodeJS.ErrnoException).code;
    super("listen", `Cannot listen on ${host}:${port}${code === "EADDRINUSE" ? ": the port is in use" : ""}.`, {
      cause,
      hints: ["Choose another port (0 for any free one), or end the program that uses it."],
    });
  }
}

/**
 * Serves one node: `/health`, `/status`, `/ballots/{proposal id}`, `/ipfs/{cid}`, `/payload`, `/document` and the routes of the
 * catalog.
 *
 * @throws {ListenError} if the address is in use.
 */
export async function serveHttp(host: string, port: number, handlers: HttpHandlers): Promise<RunningServer> {
  const server = createServer((request, response) => {
    const path = (request.url ?? "/").split("#")[0] ?? "/";
    route(path, request, handlers, response).catch((error: unknown) => {
      const status = error instanceof BaseError ? 400 : 500;
      if (!response.headersSent) sendJson(response, status, { error: messageOf(error) });
      else response.destroy();
    });
  });
  await listen(server, host, port);
  const address = server.address() as AddressInfo;
  return {
    url: `http://${host}:${address.port}`,
    close: () =>
      new Promise((resolve, reject) => {
        server.close((error) => (error ? reject(error) : resolve()));
        server.closeAllConnections();
      }),
  };
}

async function route(
  path: string,
  request: IncomingMessage,
  handlers: HttpHandlers,
  response: ServerResponse,
): Promise<void> {
  const { method = "GET" } = request;
  if (method === "POST" && (path === "/payload" || path === "/document")) {
    const envelope = await readBody(request);
    const store = path === "/payload" ? handlers.payload : handlers.document;
    if (envelope === undefined) sendJson(response, 413, { error: `at most ${MAX_BODY_BYTES} bytes` });
    else sendJson(response, 200, { cid: await store(envelope) });
    return;
  }
  if (method !== "GET" && method !== "HEAD") {
    sendJson(response, 405, { error: "only GET and HEAD" });
    return;
  }
  const [pathname, search] = path.split("?");
  const answer = handlers.catalog?.(pathname ?? "", new URLSearchParams(search));
  if (answer !== undefined) {
    const { status, body } = await answer;
    sendJson(response, status, body);
  } else if (pathname === "/health") sendJson(response, 200, { ok: true });
  else if (pathname === "/status") sendJson(response, 200, await handlers.status());
  else if (BALLOTS_PATH.test(pathname ?? "")) {
    sendJson(response, 200, handlers.ballots(pathname?.slice("/ballots/".length) ?? ""));
  } else if (pathname?.startsWith("/ipfs/")) {
    const { status, headers, body } = await handlers.block(path, request.headers.accept);
    response.writeHead(status, headers);
    response.end(method === "HEAD" ? undefined : body);
  } else sendJson(response, 404, { error: ROUTES });
}

/** The request's body; undefined if it is over the limit. */
async function readBody(request: IncomingMessage): Promise<Uint8Array | undefined> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of request as AsyncIterable<Uint8Array>) {
    length += chunk.length;
    if (length > MAX_BODY_BYTES) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function sendJson(response: ServerResponse, status: number, value: unknown): void {
  // A browser takes no answer for a page, whatever markup is in it.
  response.writeHead(status, { "content-type": "application/json", "x-content-type-options": "nosniff" });
  response.end(
    `${JSON.stringify(value, (_key, each: unknown) => (typeof each === "bigint" ? each.toString() : each))}\n`,
  );
}

function listen(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", (cause) => reject(new ListenError(host, port, cause)));
    server.listen(port, host, () => resolve());
  });
}

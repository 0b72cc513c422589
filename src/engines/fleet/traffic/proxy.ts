import { createServer, type IncomingMessage, type Server, type ServerResponse, STATUS_CODES } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import type { Duplex } from "node:stream";
import {
  connectTo,
  createConnections,
  type Forwarded,
  type ForwardLimits,
  forward,
  forwardUpgrade,
} from "./forward.js";
import { hostOf, isWebSocket, prepareHeaders } from "./headers.js";
import type { WorkloadReplicas } from "./replicas.js";
import type { TrackedReplica } from "./trackedReplica.js";

/** Of one client. More wait in the kernel. */
const MAX_CONNECTIONS = 10_000;
/** A request line and its headers together, as in nginx and Node. */
const MAX_HEADER_BYTES = 16_384;
/** Longer than the 60 s for which load balancers keep connections: who closes first decides which requests fail. */
const KEEP_ALIVE_MS = 65_000;
/** Replicas that one request is offered to. */
const MAX_ATTEMPTS = 10;

export interface ProxyDependencies extends ForwardLimits {
  /** The workload that a host stands for; undefined if it stands for no workload. */
  readonly route: (host: string) => WorkloadReplicas | undefined;
  /** How long a request waits for a replica that can take it. */
  readonly queueTimeoutMs: number;
  readonly trustForwarded: boolean;
}

/** An HTTP/1.1 proxy in front of the replicas of workloads. */
export class TrafficProxy {
  readonly #dependencies: ProxyDependencies;
  readonly #connections = createConnections();
  readonly #server: Server;

  constructor(dependencies: ProxyDependencies) {
    this.#dependencies = dependencies;
    this.#server = createServer(
      {
        maxHeaderSize: MAX_HEADER_BYTES,
        keepAliveTimeout: KEEP_ALIVE_MS,
        // Uploads may take their time; their silence is bounded, and that of the headers by Node.
        requestTimeout: 0,
        // Others, such as h2c, are answered as if they had not asked.
        shouldUpgradeCallback: (request) => isWebSocket(request),
      },
      (request, response) => void this.#serve(request, response),
    );
    this.#server.maxConnections = MAX_CONNECTIONS;
    this.#server.on("upgrade", (request, socket, head) => void this.#upgrade(request, socket, head));
  }

  /** Undefined while it does not listen. */
  get address(): { readonly host: string; readonly port: number } | undefined {
    const address = this.#server.address() as AddressInfo | null;
    return address === null ? undefined : { host: address.address, port: address.port };
  }

  /** @throws the error of node:net if the port cannot be had. */
  listen(port: number, host: string): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#server.once("error", reject);
      this.#server.listen(port, host, () => {
        this.#server.off("error", reject);
        resolve();
      });
    });
  }

  /** Takes no new connections, and ends those that are there: idle ones at once, all after `graceMs`. */
  async close(graceMs: number): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve));
    this.#server.closeIdleConnections();
    const cancel = this.#dependencies.clock.after(graceMs, () => this.#server.closeAllConnections());
    await closed;
    cancel();
    this.#connections.destroy();
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { queueTimeoutMs, route, trustForwarded } = this.#dependencies;
    // A client that goes away while its request waits is no error.
    request.on("error", () => undefined);
    response.on("error", () => undefined);
    response.setMaxListeners(0);
    request.setMaxListeners(0);
    if (!normalize(request)) return refuse(response, 400, "the request names no path");
    const host = hostOf(request);
    const replicas = route(host);
    if (replicas === undefined) return refuse(response, 404, `no workload has the host "${host}"`);
    prepareHeaders(request, trustForwarded);
    const gone = new AbortController();
    response.once("close", () => gone.abort());
    let last: Forwarded | undefined;
    for (let attempt = 0; attempt < MAX_ATTEMPTS && !gone.signal.aborted; attempt++) {
      const replica = await replicas.next(request.headers, queueTimeoutMs, gone.signal);
      if (replica === undefined) break;
      last = await this.#attempt(replicas, replica, () =>
        forward(request, response, replica.endpoint, { ...this.#dependencies, agent: this.#connections }),
      );
      if (last.kind !== "failed" || !last.isSafe) break;
    }
    if (response.headersSent || gone.signal.aborted) return;
    if (last?.kind !== "failed") refuse(response, 503, "no replica can take the request");
    else if (last.timedOut) refuse(response, 504, "the replica does not answer");
    else refuse(response, 502, "the replica has closed the connection");
  }

  async #upgrade(request: IncomingMessage, duplex: Duplex, head: Buffer): Promise<void> {
    const socket = duplex as Socket;
    const { idleTimeoutMs: timeoutMs, queueTimeoutMs, route, trustForwarded } = this.#dependencies;
    // Until the connection is passed on, nobody else listens to its errors.
    socket.on("error", () => undefined);
    const replicas = route(hostOf(request));
    // Before Node 24.9 other upgrades come here too.
    if (!isWebSocket(request) || !normalize(request)) return refuseUpgrade(socket, 400);
    if (replicas === undefined) return refuseUpgrade(socket, 404);
    prepareHeaders(request, trustForwarded);
    const gone = new AbortController();
    socket.once("close", () => gone.abort());
    for (let attempt = 0; attempt < MAX_ATTEMPTS && !gone.signal.aborted; attempt++) {
      const replica = await replicas.next(request.headers, queueTimeoutMs, gone.signal);
      if (replica === undefined) break;
      const result = await this.#attempt(replicas, replica, async () => {
        const { endpoint } = replica;
        const connection = await connectTo(endpoint, this.#dependencies).catch(() => undefined);
        return connection === undefined
          ? { kind: "failed", isSafe: true, isConnected: false, timedOut: false }
          : forwardUpgrade(request, socket, head, { endpoint, connection, timeoutMs });
      });
      if (result.kind !== "failed" || !result.isSafe) return;
    }
    refuseUpgrade(socket, 503);
  }

  /** Sends a request to one replica, and counts what becomes of it. */
  async #attempt(
    replicas: WorkloadReplicas,
    replica: TrackedReplica,
    send: () => Promise<Forwarded>,
  ): Promise<Forwarded> {
    const { clock } = this.#dependencies;
    const started = clock.monotonic();
    replica.inFlight++;
    try {
      const result = await send();
      const failed = result.kind !== "answered" || result.status >= 500;
      if (result.kind === "failed" && !result.isConnected) replica.unreachable = true;
      // A WebSocket lasts as long as its client likes.
      const isUpgrade = result.kind === "answered" && result.status === 101;
      replica.counters.add({ failed, latencyMs: isUpgrade ? undefined : clock.monotonic() - started });
      return result;
    } finally {
      replicas.ended(replica);
    }
  }
}

/** Makes the target of a request a path, with the host in `Host`; false if it has no path: RFC 9112, 3.2. */
function normalize(request: IncomingMessage): boolean {
  const { url = "" } = request;
  if (url.startsWith("/")) return true;
  if (!URL.canParse(url) || !/^https?:/i.test(url)) return false;
  const { host, pathname, search } = new URL(url);
  request.headers.host = host;
  request.url = `${pathname}${search}`;
  return true;
}

function refuse(response: ServerResponse, status: number, message: string): void {
  const headers = { "content-type": "text/plain; charset=utf-8", ...(status === 503 ? { "retry-after": "1" } : {}) };
  // What is left of a body is not read, so that the connection cannot serve another request.
  response.shouldKeepAlive &&= response.req.complete;
  response.writeHead(status, headers).end(`${status} ${STATUS_CODES[status]}: ${message}\n`);
}

function refuseUpgrade(socket: Socket, status: number): void {
  if (socket.writable)
    socket.end(`HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
}

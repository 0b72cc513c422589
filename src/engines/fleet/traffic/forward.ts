import { Agent, type IncomingMessage, type ServerResponse } from "node:http";
import { connect, type Socket } from "node:net";
import { PassThrough, Readable } from "node:stream";
import { createProxyServer } from "httpxy";
import type { Clock } from "../../../utils/clock.js";
import type { ReplicaEndpoint } from "./endpoints.js";
import { hasBody, removeHopByHop } from "./headers.js";

/** Connections to one replica that wait for the next request. */
const MAX_IDLE_CONNECTIONS = 64;
/** They are closed before a server of Node closes them, which it does after 5 s: a request on one that is just closed fails. */
const IDLE_CONNECTION_MS = 4_000;

export interface ForwardLimits {
  readonly clock: Clock;
  /** How long a connection to a replica may take. */
  readonly connectTimeoutMs: number;
  /** How long a replica may be silent in the middle of a request. */
  readonly idleTimeoutMs: number;
}

/** How one attempt to send a request on ended. */
export type Forwarded =
  /** The replica answered; `status` is 499 if the client went away before the end of the answer. */
  | { readonly kind: "answered"; readonly status: number }
  /** The answer broke off, and the client was told by a broken connection. */
  | { readonly kind: "broken" }
  /** Nothing was answered. `isSafe`: the request did not reach the replica, and another may get it. */
  | { readonly kind: "failed"; readonly isSafe: boolean; readonly isConnected: boolean; readonly timedOut: boolean };

/** The connections to replicas that are kept between requests. */
export function createConnections(): Agent {
  return new Agent({ keepAlive: true, maxFreeSockets: MAX_IDLE_CONNECTIONS, timeout: IDLE_CONNECTION_MS });
}

/** Sends a request to a replica and its answer back, both as they come, and each end's going away to the other. */
export async function forward(
  request: IncomingMessage,
  response: ServerResponse,
  { host, port }: ReplicaEndpoint,
  { agent, clock, connectTimeoutMs, idleTimeoutMs }: ForwardLimits & { readonly agent: Agent },
): Promise<Forwarded> {
  // The body is read once a connection is there, so that a request whose connection fails is still whole.
  const withBody = hasBody(request);
  const body = withBody ? new PassThrough() : Readable.from([]);
  const seen = { connected: false, reused: false, timedOut: false, broken: false, answered: false };
  const wantsClose = request.httpVersion === "1.0" || !response.shouldKeepAlive;
  const proxy = createProxyServer();
  proxy.on("proxyReq", (sent) => {
    const { socket } = sent;
    const connected = () => {
      seen.connected = true;
      seen.reused = sent.reusedSocket;
      if (body instanceof PassThrough) request.pipe(body);
    };
    sent.once("timeout", () => {
      seen.timedOut = true;
    });
    if (socket === null || !socket.connecting) return connected();
    const cancel = clock.after(connectTimeoutMs, () => {
      seen.timedOut = true;
      sent.destroy();
    });
    socket.once("connect", () => {
      cancel();
      connected();
    });
    socket.once("close", cancel);
  });
  proxy.on("proxyRes", (answer) => {
    seen.answered = true;
    removeHopByHop(answer.headers);
    // Node frames the answer for the client's version of HTTP.
    delete answer.headers["transfer-encoding"];
    answer.headers.connection = wantsClose ? "close" : "keep-alive";
    answer.once("error", () => {
      seen.broken ||= !response.destroyed;
    });
  });
  try {
    const target = { protocol: "http:", hostname: host, port };
    await proxy.web(request, response, { target, agent, buffer: body, proxyTimeout: idleTimeoutMs });
  } catch {
    // What failed is told below, and counted: a replica that goes away is an ordinary day.
    if (withBody) request.unpipe();
    if (response.destroyed) return { kind: "answered", status: 499 };
    if (seen.answered) return { kind: "broken" };
    return {
      kind: "failed",
      // A kept connection that the replica closed just now; a request without a body and effect may be sent again anyway.
      isSafe: !seen.connected || (!withBody && isIdempotent(request)),
      isConnected: seen.connected,
      timedOut: seen.timedOut,
    };
  }
  if (seen.broken) return { kind: "broken" };
  return { kind: "answered", status: response.writableFinished ? response.statusCode : 499 };
}

/** Methods that may be repeated: RFC 9110, 9.2.2. */
function isIdempotent({ method }: IncomingMessage): boolean {
  return method !== undefined && ["GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE"].includes(method);
}

/** Connects to a replica. @throws if that fails or takes too long. */
export function connectTo(
  { host, port }: ReplicaEndpoint,
  { clock, connectTimeoutMs }: ForwardLimits,
): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port });
    const cancel = clock.after(connectTimeoutMs, () => socket.destroy(new Error("the connection takes too long")));
    socket.once("error", reject);
    socket.once("close", cancel);
    socket.once("connect", () => {
      cancel();
      socket.off("error", reject);
      resolve(socket);
    });
  });
}

/** Passes a WebSocket on over a connection to a replica, and resolves at its end. */
export async function forwardUpgrade(
  request: IncomingMessage,
  client: Socket,
  head: Buffer,
  {
    endpoint,
    connection,
    timeoutMs,
  }: { readonly endpoint: ReplicaEndpoint; readonly connection: Socket; readonly timeoutMs: number },
): Promise<Forwarded> {
  const agent = new Agent();
  Object.assign(agent, { createConnection: () => connection });
  let opened = false;
  const proxy = createProxyServer();
  proxy.on("open", () => {
    opened = true;
  });
  client.once("close", () => connection.destroy());
  try {
    const target = { protocol: "http:", hostname: endpoint.host, port: endpoint.port };
    await proxy.ws(request, client, { target, agent, upgradeTimeout: timeoutMs }, head);
    return { kind: "answered", status: opened ? 101 : 499 };
  } catch {
    return opened ? { kind: "broken" } : { kind: "failed", isSafe: false, isConnected: true, timedOut: false };
  }
}

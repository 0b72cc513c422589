import type { IncomingHttpHeaders, IncomingMessage } from "node:http";

/** Headers that end at each hop: RFC 9110, 7.6.1, and those that proxies have always taken out. */
const HOP_BY_HOP = [
  "connection",
  "keep-alive",
  "proxy-connection",
  "proxy-authenticate",
  "proxy-authorization",
  "te",
  "trailer",
  "upgrade",
];
/** What a client may claim of hops before this proxy, which nobody checks. */
const FORWARDED = [
  "forwarded",
  "x-forwarded-for",
  "x-forwarded-host",
  "x-forwarded-port",
  "x-forwarded-proto",
  "x-real-ip",
];

/** Removes the headers that concern one connection, those that `Connection` names included. `Transfer-Encoding` frames the body and stays. */
export function removeHopByHop(headers: IncomingHttpHeaders): void {
  const named = (headers.connection ?? "").split(",").map((name) => name.trim().toLowerCase());
  // A client must not have the proxy leave out what the replica relies on.
  const removable = named.filter((name) => !["content-length", "host", "transfer-encoding", ""].includes(name));
  for (const name of [...HOP_BY_HOP, ...removable]) delete headers[name];
}

/**
 * Turns the headers of a request into those that the replica gets.
 *
 * @param trustForwarded Whether the client is a proxy whose word on the hops before it counts.
 */
export function prepareHeaders(request: IncomingMessage, trustForwarded: boolean): void {
  const { headers, socket } = request;
  const websocket = isWebSocket(request);
  removeHopByHop(headers);
  if (websocket) Object.assign(headers, { connection: "Upgrade", upgrade: "websocket" });
  // Node has answered 100 Continue already.
  delete headers.expect;
  if (!trustForwarded) for (const name of FORWARDED) delete headers[name];
  const client = socket.remoteAddress ?? "";
  const before = headers["x-forwarded-for"];
  headers["x-forwarded-for"] = before === undefined ? client : `${before}, ${client}`;
  headers["x-forwarded-host"] ??= headers.host ?? "";
  headers["x-forwarded-port"] ??= String(socket.localPort ?? "");
  headers["x-forwarded-proto"] ??= "http";
}

/** Whether a request asks for a WebSocket, the one upgrade that is passed on. */
export function isWebSocket({ headers }: IncomingMessage): boolean {
  return headers.upgrade?.toLowerCase() === "websocket";
}

/** The host that a request names, in lower case and without its port; the empty string without a host. */
export function hostOf({ headers }: IncomingMessage): string {
  return (headers.host ?? "").toLowerCase().replace(/:\d*$/, "");
}

/** Whether a request has a body. One without can be sent again as it is. */
export function hasBody({ headers }: IncomingMessage): boolean {
  return headers["transfer-encoding"] !== undefined || Number(headers["content-length"] ?? 0) > 0;
}

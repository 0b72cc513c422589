import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import type { Eip1193Provider } from "../../src/ports/chain/index.js";

/** How an {@link RpcProxy} treats all requests, whatever they ask. */
export type RpcProxyMode = "pass" | "hang" | "unavailable" | "garbage" | "hang up";

export interface RpcRequest {
  readonly method: string;
  readonly params: readonly unknown[];
}

/** What a node says: a result or an error of its own. */
export type RpcReply =
  | { readonly result: unknown }
  | { readonly error: { code: number; message: string; data?: unknown } };

/** What a client gets instead of a reply: nothing at all, or an HTTP status. */
export type RpcFailure =
  | { readonly drop: true }
  | { readonly status: number; readonly headers?: Readonly<Record<string, string>>; readonly text?: string };

/**
 * A way in which an RPC node misbehaves. It may answer by itself, or call `next`, which carries the request out, and alter the
 * reply. The faults of `rpcFaults.ts` are such functions.
 */
export type RpcFault = (
  request: RpcRequest,
  next: (request: RpcRequest) => Promise<RpcReply>,
) => Promise<RpcReply | RpcFailure>;

/**
 * A JSON-RPC server before a real chain, which lies, lags, limits, drops and repeats as its faults say. It stands before
 * Hardhat's network in this process, or before the HTTP address of any node, such as geth or Anvil.
 */
export interface RpcProxy {
  readonly url: string;
  mode: RpcProxyMode;
  /** The requests that arrived, in order. */
  readonly requests: RpcRequest[];
  /** Their methods. */
  readonly methods: string[];
  /** Returns the error that a request gets; undefined to pass it on. */
  refuse: ((method: string, params: readonly unknown[]) => { code: number; message: string } | undefined) | undefined;
  /** Adds a fault, which sees requests before those that were added earlier. The returned function removes it. */
  add(fault: RpcFault): () => void;
  /** Removes all faults, also `mode` and `refuse`, and forgets the requests. */
  heal(): void;
  close(): Promise<void>;
}

export async function startRpcProxy(target: string | Eip1193Provider): Promise<RpcProxy> {
  const sockets = new Set<Socket>();
  const requests: RpcRequest[] = [];
  let faults: readonly RpcFault[] = [];
  const server = createServer((request, response) => {
    handle(request, response).catch((error) => response.destroy(error));
  });
  server.on("connection", (socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const proxy: RpcProxy = {
    url: `http://127.0.0.1:${port}`,
    mode: "pass",
    requests,
    methods: [],
    refuse: undefined,
    add(fault) {
      const own: RpcFault = (request, next) => fault(request, next);
      faults = [own, ...faults];
      return () => {
        faults = faults.filter((each) => each !== own);
      };
    },
    heal() {
      faults = [];
      proxy.mode = "pass";
      proxy.refuse = undefined;
      requests.length = 0;
      proxy.methods.length = 0;
    },
    async close() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return proxy;

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Uint8Array[] = [];
    for await (const chunk of request) chunks.push(chunk);
    const { id, method, params } = JSON.parse(Buffer.concat(chunks).toString()) as RpcRequest & { id: number };
    requests.push({ method, params });
    proxy.methods.push(method);
    if (proxy.mode === "hang") return;
    if (proxy.mode === "hang up") return void response.destroy();
    if (proxy.mode === "unavailable") return void response.writeHead(503).end("overloaded");
    if (proxy.mode === "garbage") return void response.end("<html>hello</html>");
    const error = proxy.refuse?.(method, params);
    const answer = error === undefined ? await through(faults, { method, params }) : { error };
    if ("drop" in answer) return void response.destroy();
    if ("status" in answer) return void response.writeHead(answer.status, answer.headers).end(answer.text);
    response.writeHead(200, { "content-type": "application/json" });
    response.end(JSON.stringify({ jsonrpc: "2.0", id, ...answer }));
  }

  async function through([fault, ...rest]: readonly RpcFault[], request: RpcRequest): Promise<RpcReply | RpcFailure> {
    if (fault === undefined) return carryOut(target, request);
    let failure: RpcFailure | undefined;
    const answer = await fault(request, async (passed) => {
      const inner = await through(rest, passed);
      if ("result" in inner || "error" in inner) return inner;
      failure = inner;
      return { result: null };
    });
    return failure ?? answer;
  }
}

async function carryOut(target: string | Eip1193Provider, { method, params }: RpcRequest): Promise<RpcReply> {
  if (typeof target !== "string") {
    try {
      return { result: await target.request({ method, params: [...params] }) };
    } catch (error) {
      const { code, message, data } = error as { code?: number; message: string; data?: unknown };
      return { error: { code: typeof code === "number" ? code : -32_603, message, data } };
    }
  }
  const body = JSON.stringify({ jsonrpc: "2.0", id: 1, method, params });
  const answer = await fetch(target, { method: "POST", headers: { "content-type": "application/json" }, body });
  const { result, error } = (await answer.json()) as { result?: unknown; error?: { code: number; message: string } };
  return error === undefined ? { result } : { error };
}

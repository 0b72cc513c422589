import { once } from "node:events";
import {
  Agent,
  createServer,
  type IncomingMessage,
  type RequestListener,
  type RequestOptions,
  request,
  type Server,
} from "node:http";
import type { AddressInfo } from "node:net";
import { onTestFinished } from "vitest";
import { type ReplicaEndpoint, Traffic, type TrafficOptions } from "../../../../src/engines/fleet/traffic/index.js";
import { systemClock } from "../../../../src/utils/clock.js";

export const RELEASE = { v1: `0x${"11".repeat(32)}`, v2: `0x${"22".repeat(32)}` } as const;

/** A server on loopback that ends with the test. */
export async function serving(listener: RequestListener, port = 0): Promise<{ server: Server; port: number }> {
  const server = createServer(listener);
  server.listen(port, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return { server, port: (server.address() as AddressInfo).port };
}

export function endpointAt(port: number, index = 0, more: Partial<ReplicaEndpoint> = {}): ReplicaEndpoint {
  return {
    ...{
      workload: "web",
      subject: `replica/web/${index}`,
      instance: `${port}@1`,
      host: "127.0.0.1",
      port,
      healthy: true,
    },
    release: { name: "v1", sha256: RELEASE.v1 },
    ...more,
  };
}

/** A proxy in front of the endpoints that `list` gives, and its port. */
export async function proxyFor(list: () => readonly ReplicaEndpoint[], options: TrafficOptions = {}) {
  const errors: unknown[] = [];
  const endpoints = { workloads: ["web"], list: async () => list() };
  const dependencies = { endpoints, clock: systemClock, onError: (error: unknown) => errors.push(error) };
  const traffic = new Traffic(dependencies, { hosts: { "*": "web" }, drainGraceMs: 60_000, ...options });
  await traffic.start(0, "127.0.0.1");
  onTestFinished(async () => {
    sockets.destroy();
    await traffic.stop();
  });
  return { traffic, errors, port: traffic.status.address?.port ?? 0 };
}

const sockets = new Agent({ keepAlive: true });

export interface Answer {
  readonly status: number | undefined;
  readonly headers: IncomingMessage["headers"];
  readonly text: string;
}

/** Sends a request and reads the whole answer. @throws if the connection breaks. */
export async function ask(port: number, options: RequestOptions & { readonly body?: string } = {}): Promise<Answer> {
  const { body, ...rest } = options;
  const sent = request({ host: "127.0.0.1", port, agent: sockets, ...rest });
  sent.end(body);
  const [response] = (await once(sent, "response")) as [IncomingMessage];
  let text = "";
  for await (const chunk of response.setEncoding("utf8")) text += chunk;
  return { status: response.statusCode, headers: response.headers, text };
}

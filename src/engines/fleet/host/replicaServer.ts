import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { Clock } from "../../../utils/clock.js";
import { TokenBuckets } from "../../../utils/timing/tokenBuckets.js";
import { checkHealth } from "../drivers/process/health.js";
import type { HostedInstance } from "./types.js";

/**
 * The path under which other hosts ask how a replica is; its name follows, encoded as a URL's component, and the release that they
 * look for: `?release=0x...`.
 */
export const REPLICA_PATH = "/.well-known/witan/replicas/";
/** Requests of one address at once, and a second: a host has up to a thousand replicas, each with seven witnesses. */
const BURST = 512;
const PER_SECOND = 128;
const MAX_ADDRESSES = 1_024;
const MAX_CONNECTIONS = 256;
const REQUEST_TIMEOUT_MS = 5_000;

/** What a host says of one of its replicas: its own request to the replica has just been answered so. */
interface ReplicaAnswer {
  readonly replica: string;
  /** The sha256 of the release of the instance that was asked: of the release that is looked for, or else the one that serves. */
  readonly release: string | null;
  readonly healthy: boolean;
}

export interface ReplicaServerParameters {
  /** The instances of this host, as they were listed last. */
  readonly instances: () => readonly HostedInstance[];
  readonly clock: Clock;
  readonly port: number;
  readonly host: string;
}

/** Answers other hosts that probe the replicas of this one, each time by a request to the replica itself. */
export class ReplicaServer {
  readonly #parameters: ReplicaServerParameters;
  readonly #buckets: TokenBuckets;
  readonly #server: Server;

  private constructor(parameters: ReplicaServerParameters) {
    this.#parameters = parameters;
    const { clock } = parameters;
    this.#buckets = new TokenBuckets({ clock, burst: BURST, perSecond: PER_SECOND, maxKeys: MAX_ADDRESSES });
    this.#server = createServer({ requestTimeout: REQUEST_TIMEOUT_MS, headersTimeout: REQUEST_TIMEOUT_MS });
    this.#server.maxConnections = MAX_CONNECTIONS;
    this.#server.on("request", (request, response) => {
      // What breaks here is a connection that its client has ended.
      this.#answer(request, response).catch(() => response.destroy());
    });
  }

  /** Rejects if it cannot listen there. */
  static async start(parameters: ReplicaServerParameters): Promise<ReplicaServer> {
    const started = new ReplicaServer(parameters);
    await new Promise<void>((resolve, reject) => {
      started.#server.once("error", reject);
      started.#server.listen(parameters.port, parameters.host, resolve);
    });
    return started;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const asked = questionIn(request);
    if (asked === undefined) return send(response, 404, { error: "There is no such page." });
    if (!this.#buckets.take(request.socket.remoteAddress ?? "")) {
      return send(response, 429, { error: "Too many requests of this address." });
    }
    const { release, replica } = asked;
    const own = this.#parameters.instances().filter((each) => each.replica === replica);
    const shown = own.find((each) => each.release === release) ?? own.find((each) => each.serving);
    if (own.length === 0) return send(response, 404, { error: "This host has no such replica." });
    const answer: ReplicaAnswer = {
      replica,
      release: shown?.release ?? null,
      healthy: shown !== undefined && (await this.#isHealthy(shown)),
    };
    return send(response, 200, answer);
  }

  async #isHealthy({ address, probe }: HostedInstance): Promise<boolean> {
    if (address === undefined) return false;
    return (await checkHealth(address.port, probe.timeoutMs, this.#parameters.clock, probe.path)).healthy;
  }
}

function questionIn({
  method,
  url = "",
}: IncomingMessage): { readonly replica: string; readonly release: string | null } | undefined {
  if (method !== "GET" || !url.startsWith(REPLICA_PATH)) return undefined;
  try {
    const { pathname, searchParams } = new URL(url, "http://host");
    const replica = decodeURIComponent(pathname.slice(REPLICA_PATH.length));
    return { replica, release: searchParams.get("release") };
  } catch {
    return undefined;
  }
}

function send(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { "content-type": "application/json", "cache-control": "no-store" });
  response.end(JSON.stringify(body));
}

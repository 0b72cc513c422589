import { createServer, get, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import type { ProbeReplica } from "../../src/agent/rollout/witness.js";
import type { HostDriver, HostedInstance, StartOrder } from "../../src/engines/fleet/host/types.js";
import type { Hex } from "../../src/records/index.js";

interface RunningInstance extends Pick<StartOrder, "replica" | "step" | "workload"> {
  readonly release: Hex;
  readonly server: Server;
  readonly address: string;
  alive: boolean;
}

/** What becomes of the instances of a release: `sick` ones answer 500. */
export type QualityOf = (release: string) => "good" | "sick";

const PROBE_TIMEOUT_MS = 5_000;

/**
 * A machine in this process: a host driver whose replicas are HTTP servers, and a listener at which other hosts ask about them. It
 * outlives the agents that use it.
 */
export class MemoryHost implements HostDriver {
  /** What was done, in order: `start web/1 v2`, `stop web/1 v1`. */
  readonly history: string[] = [];
  /** What list says in place of what it found: a host that lies. */
  lie: (instance: HostedInstance) => HostedInstance = (instance) => instance;
  readonly #qualityOf: QualityOf;
  readonly #instances: RunningInstance[] = [];
  readonly #serving = new Map<string, string>();
  readonly #names = new Map<Hex, string>();
  #listener: Server | undefined;

  constructor(qualityOf: QualityOf) {
    this.#qualityOf = qualityOf;
  }

  /** Opens the listener; resolves with its address. */
  async listen(): Promise<string> {
    this.#listener = createServer((request, response) => {
      const replica = decodeURIComponent(request.url ?? "").replace("/replicas/", "");
      const found = this.#servingOf(replica);
      const answer = found === undefined ? Promise.resolve(undefined) : isHealthyAt(found.address);
      void answer.then((healthy) => {
        response.statusCode = healthy === undefined ? 404 : 200;
        response.end(JSON.stringify({ release: found?.release ?? null, healthy: healthy ?? false }));
      });
    });
    return listening(this.#listener);
  }

  async prepare(): Promise<boolean> {
    return false;
  }

  async start({ release, replica, step, workload }: StartOrder): Promise<HostedInstance> {
    const known = this.#instances.find((each) => each.replica === replica && each.step === step);
    if (known !== undefined) return this.#describe(known, false);
    this.#names.set(release.sha256, release.name);
    const server = createServer((_, response) => {
      response.statusCode = this.#qualityOf(release.name) === "good" ? 200 : 500;
      response.end();
    });
    const address = await listening(server);
    const instance = { replica, step, workload, release: release.sha256, server, address, alive: true };
    this.#instances.push(instance);
    this.history.push(`start ${replica} ${release.name}`);
    return this.#describe(instance, false);
  }

  async serve(replica: string, step: string): Promise<void> {
    this.#serving.set(replica, step);
  }

  async stop(replica: string, step?: string): Promise<void> {
    for (const each of this.#instances.filter((one) => one.replica === replica && (step ?? one.step) === one.step)) {
      this.#instances.splice(this.#instances.indexOf(each), 1);
      this.history.push(`stop ${replica} ${this.#names.get(each.release)}`);
      await closed(each.server);
    }
  }

  async list(): Promise<readonly HostedInstance[]> {
    return Promise.all(
      this.#instances.map(async (each) =>
        this.lie(this.#describe(each, each.alive && (await isHealthyAt(each.address)))),
      ),
    );
  }

  /** The process of what serves a replica ends by itself. */
  async kill(replica: string): Promise<void> {
    const found = this.#servingOf(replica);
    if (found === undefined) throw new Error(`nothing serves ${replica}`);
    found.alive = false;
    await closed(found.server);
  }

  /** The releases by name that serve here, by replica. */
  get served(): ReadonlyMap<string, string> {
    const live = [...this.#serving.keys()].flatMap((replica) => this.#servingOf(replica) ?? []);
    return new Map(
      live.filter(({ alive }) => alive).map((each) => [each.replica, this.#names.get(each.release) ?? ""]),
    );
  }

  /** Agents that stop leave their replicas running. */
  async close(): Promise<void> {}

  async destroy(): Promise<void> {
    await Promise.all([
      ...this.#instances.map(({ server }) => closed(server)),
      this.#listener && closed(this.#listener),
    ]);
  }

  #servingOf(replica: string): RunningInstance | undefined {
    const step = this.#serving.get(replica);
    return this.#instances.find((each) => each.replica === replica && each.step === step);
  }

  #describe({ address, alive, release, replica, step, workload }: RunningInstance, healthy: boolean): HostedInstance {
    const serving = this.#serving.get(replica) === step;
    const [host = "", port] = address.split(":");
    return {
      ...{ replica, workload, release, step, serving, alive, healthy, latencyMs: null },
      ...{ address: { host, port: Number(port) }, instance: address, probe: { path: "/health", timeoutMs: 5_000 } },
    };
  }
}

/** Asks the listener of a {@link MemoryHost} about a replica. */
export const probeMemoryHost: ProbeReplica = async ({ addresses, replica }) => {
  for (const address of addresses) {
    const body = await answerOf(`http://${address}/replicas/${encodeURIComponent(replica)}`);
    if (body === undefined) continue;
    const { healthy, release } = JSON.parse(body.text) as { healthy: boolean; release: Hex | null };
    return healthy ? { release, result: "healthy" } : { release: null, result: "sick" };
  }
  return { release: null, result: "unreached" };
};

async function isHealthyAt(address: string): Promise<boolean> {
  return (await answerOf(`http://${address}/health`))?.status === 200;
}

function answerOf(url: string): Promise<{ status: number; text: string } | undefined> {
  return new Promise((resolve) => {
    const request = get(url, { timeout: PROBE_TIMEOUT_MS, agent: false }, (response) => {
      let text = "";
      response.setEncoding("utf8").on("data", (chunk) => {
        text += chunk;
      });
      response.on("end", () => resolve({ status: response.statusCode ?? 0, text }));
    });
    request.on("timeout", () => request.destroy());
    request.on("error", () => resolve(undefined));
  });
}

async function listening(server: Server): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

function closed(server: Server): Promise<void> {
  server.closeAllConnections();
  return new Promise((resolve) => void server.close(() => resolve()));
}

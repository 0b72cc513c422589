import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Wallet } from "ethers";
import { expect } from "vitest";
import { Agent, type AgentDependencies } from "../../src/agent/agent.js";
import type { DirectiveHandler, ExecutionResult } from "../../src/agent/handlers/handler.js";
import { createMachineProbe } from "../../src/agent/loop/monitor/machine.js";
import { type Client, createClient, type IssuedDirective } from "../../src/client/index.js";
import type { ReplicaView } from "../../src/policy/index.js";
import { type Chain, createChain } from "../../src/ports/chain/index.js";
import { createMemoryContent } from "../../src/ports/content/index.js";
import { loadBls } from "../../src/ports/keys/index.js";
import { type Address, type Incident, replicaSubject } from "../../src/records/index.js";
import { systemClock } from "../../src/utils/clock.js";
import { createLogger } from "../../src/utils/logger.js";
import { type DeployWitanOptions, deployWitan, type Witan } from "../fixtures/deploy.js";
import { Hub } from "./ballots/hub.js";

/** How long a story may take on a busy machine. */
export const patience = { timeout: 60_000, interval: 100 };

const release = { name: "v1", sha256: `0x${"11".repeat(32)}` } as const;

/** A stand-in for a fleet: a list in memory instead of processes. What agents do about it is real. */
export class ListedFleet {
  /** How often an instance was truly replaced, by workload. */
  readonly restarts = new Map<string, number>();
  /** How often any node was led to do a deed. */
  deeds = 0;
  readonly #workloads = new Map<string, { instance: number; alive: boolean }>();

  constructor(names: readonly string[]) {
    for (const name of names) this.#workloads.set(name, { instance: 1, alive: true });
  }

  kill(name: string): void {
    this.#of(name).alive = false;
  }

  instanceOf(name: string): string {
    return `${name}/${this.#of(name).instance}`;
  }

  list(): ReplicaView[] {
    return [...this.#workloads].map(([name, { alive }]) => ({
      subject: replicaSubject(name),
      workload: "web",
      release,
      instance: this.instanceOf(name),
      alive,
      healthy: alive,
      latencyMs: alive ? 1 : null,
      changing: false,
    }));
  }

  /** Restarts what is listed, and only the instance that the order names. */
  get handler(): DirectiveHandler {
    return {
      kinds: ["Restart"],
      carryOut: async ({ order }): Promise<ExecutionResult> => {
        if (order.kind !== "Restart") throw new TypeError(`${order.kind} is no restart`);
        this.deeds++;
        const workload = this.#of(order.replica);
        if (this.instanceOf(order.replica) === order.instance) {
          workload.instance++;
          workload.alive = true;
          this.restarts.set(order.replica, (this.restarts.get(order.replica) ?? 0) + 1);
        }
        const detail = [{ subject: replicaSubject(order.replica), result: "done" as const, note: "restarted" }];
        return { result: "done", detail, logs: null, durationMs: 0, produced: [] };
      },
      agrees: async ({ order }) => {
        if (order.kind !== "Restart") throw new TypeError(`${order.kind} is no restart`);
        const replaced = this.instanceOf(order.replica) !== order.instance && this.#of(order.replica).alive;
        return { holds: replaced, why: replaced ? "another instance is alive" : "it is still down" };
      },
    };
  }

  #of(name: string) {
    const workload = this.#workloads.get(name);
    if (workload === undefined) throw new Error(`there is no workload ${name}`);
    return workload;
  }
}

/** A block map in which somebody can alter a block for good: reading it does not mend it. */
export class SharedBlocks extends Map<string, Uint8Array> {
  readonly #altered = new Set<string>();

  alter(cid: string): void {
    const bytes = this.get(cid)?.slice();
    if (bytes === undefined) throw new Error(`there is no block ${cid}`);
    bytes[bytes.length - 1] = (bytes[bytes.length - 1] ?? 0) ^ 1;
    this.set(cid, bytes);
    this.#altered.add(cid);
  }

  override delete(cid: string): boolean {
    return !this.#altered.has(cid) && super.delete(cid);
  }
}

export interface CouncilOptions extends DeployWitanOptions {
  /** Workloads of the fleet. */
  readonly workloads?: readonly string[];
  /** How long the next in line waits; long where nobody is missing. */
  readonly takeoverMs?: number;
  /** Speak to the chain there instead of in this process. */
  readonly rpcUrl?: string;
  /** Exchange ballots over a mesh in memory, and wait so long for stragglers; without it each node votes by itself. */
  readonly stragglersMs?: number;
}

export type Council = Awaited<ReturnType<typeof createCouncil>>;

/** A DAO in one process: real contracts, clients and agents over a fleet that is only listed. */
export async function createCouncil(options: CouncilOptions = {}) {
  const { workloads = ["web/1", "web/2", "web/3"], takeoverMs = 60_000, rpcUrl, stragglersMs, ...deploy } = options;
  const witan: Witan = await deployWitan(deploy);
  const dir = await mkdtemp(join(tmpdir(), "witan-council-"));
  const fleet = new ListedFleet(workloads);
  const blocks = new SharedBlocks();
  const hub = new Hub();
  const chains: Chain[] = [];
  const agents = new Map<number, Agent>();
  const logs: { node: number; level: string; message: string; [field: string]: unknown }[] = [];

  const connect = async (signer?: Wallet): Promise<Client> => {
    const over = rpcUrl === undefined ? { provider: witan.provider } : { rpcUrl };
    const chain = await createChain({ ...over, ...witan.deployment, signer, pollMs: 20, timeoutMs: 5_000 });
    chains.push(chain);
    return createClient({ chain, content: createMemoryContent(blocks) });
  };
  const operator = (index: number): Wallet => {
    const wallet = witan.operators[index];
    if (wallet === undefined) throw new Error(`there is no node ${index}`);
    return wallet;
  };
  const ballotsOf = async (index: number): Promise<Pick<AgentDependencies, "ballots">> => {
    const blsSecret = witan.blsKeys[index];
    if (stragglersMs === undefined || blsSecret === undefined) return {};
    return { ballots: { gossip: hub.peer(`node ${index}`), bls: await loadBls(), blsSecret, stragglersMs } };
  };
  const dataDir = (index: number) => join(dir, `node-${index}`);

  async function start(...indices: number[]): Promise<void> {
    for (const index of indices) {
      const wallet = operator(index);
      const agent = await Agent.create({
        config: {
          dataDir: dataDir(index),
          cycleMs: 150,
          anchorEveryMs: 2_000,
          takeoverMs,
          evidenceTimeoutMs: 2_000,
          learning: undefined,
        },
        self: wallet.address as Address,
        client: await connect(wallet),
        clock: systemClock,
        logger: createLogger("info", (line) => logs.push(JSON.parse(line)), { node: index }),
        machine: createMachineProbe(),
        connectivity: () => 1,
        body: {
          handlers: [fleet.handler],
          replicas: async () => fleet.list(),
          workloads: new Set(["web"]),
          tasks: new Set(),
          testModel: async () => undefined,
        },
        ...(await ballotsOf(index)),
      });
      agents.set(index, agent);
      agent.start();
    }
  }

  async function stop(...indices: number[]): Promise<void> {
    await Promise.all(
      indices.map(async (index) => {
        await agents.get(index)?.stop();
        agents.delete(index);
      }),
    );
  }

  /** The one directive of a kind, once it has ended. */
  async function ended(reader: Client, kind: IssuedDirective["kind"]): Promise<IssuedDirective> {
    const newest = async () => (await reader.listDirectives({ kind, limit: 1 }))[0];
    await expect.poll(async () => (await newest())?.status, patience).toMatch(/Done|Failed/);
    const found = await newest();
    if (found === undefined) throw new Error(`there is no ${kind}`);
    return found;
  }

  /** Lets an agent go through some more of its cycles. */
  async function cycles(index: number, count = 3): Promise<void> {
    const from = agents.get(index)?.status.cycle ?? 0;
    await expect.poll(() => agents.get(index)?.status.cycle ?? 0, patience).toBeGreaterThanOrEqual(from + count);
  }

  return {
    witan,
    fleet,
    blocks,
    hub,
    logs,
    agents,
    connect,
    operator,
    dataDir,
    start,
    stop,
    ended,
    cycles,
    async close() {
      await stop(...agents.keys());
      for (const chain of chains) chain.close();
      await rm(dir, { recursive: true, force: true });
    },
  };
}

/** The incident that every agent records about a replica that is down. */
export function downIncident(replica: string, instance: string): Incident {
  return {
    schema: "witan/incident/1",
    kind: "replica-down",
    severity: "high",
    subject: replicaSubject(replica),
    observed: { instance, release: release.sha256 },
    detection: { probe: "process" },
    resolution: null,
  };
}

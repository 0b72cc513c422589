import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Wallet } from "ethers";
import { expect } from "vitest";
import { Agent } from "../../src/agent/agent.js";
import { ChainClock } from "../../src/agent/aggregation/chainClock.js";
import { BackgroundJobs } from "../../src/agent/backgroundJobs.js";
import { createOnChainHandler } from "../../src/agent/handlers/onChain.js";
import { createPlacedScaleHandler } from "../../src/agent/handlers/placedScale.js";
import { createMachineProbe } from "../../src/agent/loop/monitor/machine.js";
import { openAggregatedStrategies } from "../../src/agent/loop/strategies/aggregated.js";
import { directStrategies } from "../../src/agent/loop/strategies/direct.js";
import { openOutbox } from "../../src/agent/outbox/open.js";
import { PresenceCycle } from "../../src/agent/presence/cycle.js";
import type { PresenceParameters } from "../../src/agent/presence/defaults.js";
import { createPresenceChain } from "../../src/agent/presence/onChain/clientChain.js";
import { Presence } from "../../src/agent/presence/presence.js";
import { type Hosting, type HostingDependencies, startHosting } from "../../src/agent/rollout/startHosting.js";
import { OwnBallots } from "../../src/agent/signing/ownBallots.js";
import { ConfirmedFleet } from "../../src/agent/workloads/confirmedFleet.js";
import { type Client, createClient, createPlacementReader, type IssuedDirective } from "../../src/client/index.js";
import { type Chain, createChain } from "../../src/ports/chain/index.js";
import { createMemoryContent } from "../../src/ports/content/index.js";
import { sealEnvelope } from "../../src/ports/keys/envelope.js";
import { loadBls } from "../../src/ports/keys/index.js";
import type { Address } from "../../src/records/index.js";
import { type Clock, systemClock } from "../../src/utils/clock.js";
import { createLogger, type Logger } from "../../src/utils/logger.js";
import { type DeployWitanOptions, deployWitan, type Witan } from "./deploy.js";
import { GossipHub } from "./gossipHub.js";
import { ListedFleet } from "./listedFleet.js";
import { patience } from "./patience.js";
import { ProbesHub } from "./probesHub.js";
import { SharedBlocks } from "./sharedBlocks.js";

/** One cycle of an agent. */
const CYCLE_MS = 150;

export interface AgentsOptions extends DeployWitanOptions {
  /** Workloads of the fleet. */
  readonly workloads?: readonly string[];
  /** How long the next in line waits; long where nobody is missing. */
  readonly takeoverMs?: number;
  /** Speak to the chain there instead of in this process. */
  readonly rpcUrl?: string;
  /** Exchange ballots over a mesh in memory, and wait so long for more; without it each node votes by itself. */
  readonly waitForMoreMs?: number;
  /** Watch who is there, with these times; without them nobody does. */
  readonly presence?: PresenceParameters;
  /** Judge and attest orders on workloads that the mesh places; false by default. */
  readonly readsPlacement?: boolean;
  /** What each node carries out rollouts with; it needs {@link readsPlacement}. */
  readonly hosting?: (index: number) => Pick<HostingDependencies, "clock" | "driver" | "probe">;
  /** The clock of each node; the system's by default. */
  readonly clockOf?: (index: number) => Clock;
}

export type Agents = Awaited<ReturnType<typeof createAgents>>;

/** A DAO in one process: real contracts, clients and agents over a fleet that is only listed. */
export async function createAgents(options: AgentsOptions = {}) {
  const {
    workloads = ["web/1", "web/2", "web/3"],
    takeoverMs = 60_000,
    rpcUrl,
    waitForMoreMs,
    presence,
    readsPlacement = false,
    hosting,
    ...deploy
  } = options;
  const createClock = options.clockOf ?? (() => systemClock);
  const witan: Witan = await deployWitan(deploy);
  const dir = await mkdtemp(join(tmpdir(), "witan-agents-"));
  const fleet = new ListedFleet(workloads);
  const blocks = new SharedBlocks();
  const hub = new GossipHub();
  const probes = new ProbesHub();
  const chains: Chain[] = [];
  const agents = new Map<number, Agent>();
  const hosts = new Map<number, Hosting>();
  const closing = new Map<number, () => Promise<void>>();
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
  const dataDir = (index: number) => join(dir, `node-${index}`);

  /** The watch of one node, over a mesh in memory. */
  async function watch(
    index: number,
    { client, clock, jobs, logger }: { client: Client; clock: Clock; jobs: BackgroundJobs; logger: Logger },
    parameters: PresenceParameters,
  ) {
    const peer = (await client.listNodes())[index]?.peerId ?? "";
    const time = new ChainClock(clock);
    const watching = new Presence({
      ...{ self: peer, probes: probes.peer(peer), gossip: hub.peer(peer), topic: "presence", parameters },
      ...{ clock, random: Math.random, chainTime: () => time.seconds(), logger },
    });
    await watching.start();
    const cycle = new PresenceCycle({
      ...{ self: peer, chain: createPresenceChain(client), presence: watching, time, clock, jobs, logger },
    });
    return { watching, cycle };
  }

  async function start(...indices: number[]): Promise<void> {
    for (const index of indices) {
      const wallet = operator(index);
      const client = await connect(wallet);
      const clock = createClock(index);
      const logger = createLogger("info", (line) => logs.push(JSON.parse(line)), { node: index });
      const self = wallet.address as Address;
      const outbox = await openOutbox({ path: join(dataDir(index), "outbox.jsonl"), client });
      const ownBallots = await OwnBallots.open(join(dataDir(index), "ballots.jsonl"));
      const jobs = new BackgroundJobs(logger, clock, CYCLE_MS);
      const shared = { self, client, clock, outbox, jobs, logger, anchorEveryMs: 2_000 };
      const blsSecret = witan.blsKeys[index];
      const strategies =
        waitForMoreMs === undefined || blsSecret === undefined
          ? directStrategies(shared)
          : await openAggregatedStrategies({
              ...{ ...shared, blsSecret, waitForMoreMs, dataDir: dataDir(index), cycleMs: CYCLE_MS },
              gossip: hub.peer(`node ${index}`),
              bls: await loadBls(),
              refusePeer: undefined,
            });
      const { chain, content } = client;
      const placement = createPlacementReader({ chain, content, clock });
      const placed = readsPlacement ? new ConfirmedFleet({ chain, placement, finality: 1 }) : undefined;
      const host =
        placed &&
        hosting &&
        (await startHosting({
          ...{ self, client, logger, fleet: placed, gossip: hub.peer(`node ${index}`), random: Math.random },
          seal: (context, body) => sealEnvelope(wallet, context, body),
          path: join(dataDir(index), "rollouts.jsonl"),
          ...hosting(index),
        }));
      if (host) hosts.set(index, host);
      const watched = presence && (await watch(index, shared, presence));
      const agent = new Agent({
        ...{ self, client, clock, logger, outbox, ownBallots, jobs, strategies },
        config: { cycleMs: CYCLE_MS, takeoverMs, evidenceTimeoutMs: 2_000, learning: undefined },
        machine: createMachineProbe(),
        connectivity: () => 1,
        presence: watched?.cycle,
        capabilities: {
          ...(placed === undefined ? {} : { fleet: placed }),
          handlers: [
            ...(placed === undefined ? [] : [createPlacedScaleHandler(placed)]),
            ...(host ? [host.handler] : []),
            fleet.handler,
            createOnChainHandler(),
          ],
          listReplicas: async () => fleet.list(),
          workloads: new Set(["web"]),
          tasks: new Set(),
          testModel: async () => undefined,
        },
      });
      agents.set(index, agent);
      closing.set(index, async () => {
        await agent.stop();
        await host?.stop();
        hosts.delete(index);
        await watched?.watching.stop();
        await strategies.close();
        await ownBallots.close();
        await outbox.close();
      });
      agent.start();
    }
  }

  async function stop(...indices: number[]): Promise<void> {
    await Promise.all(
      indices.map(async (index) => {
        await closing.get(index)?.();
        closing.delete(index);
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
    hosts,
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

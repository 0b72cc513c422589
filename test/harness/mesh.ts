import { join } from "node:path";
import type { BaseContract } from "ethers";
import { expect, onTestFinished } from "vitest";
import type { ExchangeDependencies } from "../../src/agent/aggregation/exchangeDependencies.js";
import { leaderOrder } from "../../src/agent/aggregation/leaders/leaderSchedule.js";
import type { LocalNode } from "../../src/agent/aggregation/localNode.js";
import { BackgroundJobs } from "../../src/agent/backgroundJobs.js";
import { type ChainView, readChainView } from "../../src/agent/chainView.js";
import type { Client, Proposal } from "../../src/client/index.js";
import { messageOf } from "../../src/errors.js";
import type { Address } from "../../src/records/index.js";
import { systemClock } from "../../src/utils/clock.js";
import { createLogger } from "../../src/utils/logger.js";
import { bls } from "./bls.js";
import { TestClock } from "./clock.js";
import { beginWindow, createTestDao, type TestDao } from "./dao.js";
import type { DeployWitanOptions } from "./deploy.js";
import { temporaryFolder } from "./folder.js";
import { GossipHub } from "./gossipHub.js";
import { patience } from "./patience.js";

const UPDATE_EVERY_MS = 100;

/** The DAOs that meshes of this process have used, by how they were deployed. One mesh at a time uses one. */
const daos = new Map<string, Promise<TestDao>>();

/** A DAO as it was deployed, and what brings it back to that: no test pays for a deployment that another has made. */
async function borrowDao(deploy: DeployWitanOptions): Promise<{ dao: TestDao; giveBack: () => Promise<void> }> {
  const key = JSON.stringify(deploy);
  const known = daos.get(key) ?? createTestDao(deploy);
  daos.set(key, known);
  const dao = await known;
  const giveBack = await dao.witan.snapshot();
  await beginWindow(dao.witan);
  return { dao, giveBack };
}

/** What a node of a mesh has before its exchange is opened. */
export interface MeshNode extends ExchangeDependencies, LocalNode {
  readonly index: number;
  /** Its folder: the same one each time that it starts. */
  readonly dir: string;
}

/** What a node of a mesh does otherwise than the others. */
export interface MeshNodeOptions extends Partial<Pick<MeshNode, "gossip" | "bls" | "blsSecret" | "refusePeer">> {
  readonly client?: Partial<Client>;
}

/** What a room of the agent opens on each node. */
export interface MeshPart {
  readonly exchange: {
    update(view: ChainView, unopened: readonly Proposal[]): Promise<unknown>;
    close(): Promise<unknown>;
  };
  /** Closes what the exchange was given. */
  close?(): Promise<unknown>;
}

export interface MeshTransaction {
  /** The sender's index. */
  readonly by: number;
  readonly method: string;
  readonly failed: boolean;
}

/**
 * Nodes with one kind of exchange: a real DAO, real clients, and gossip in memory. A test starts nodes, has them update
 * from the chain once or again and again, and waits for what they know and what the chain counts. The mesh ends with the
 * test, which fails if a validator or a handler has thrown.
 */
export async function createMesh<Part extends MeshPart, Options extends MeshNodeOptions>(
  open: (node: MeshNode, options: Options) => Promise<Part>,
  deploy: DeployWitanOptions = {},
) {
  const { dao, giveBack } = await borrowDao(deploy);
  const { witan } = dao;
  const root = temporaryFolder();
  const hub = new GossipHub();
  const clock = new TestClock();
  const nodes = new Map<number, MeshNode & Part>();
  const running = new Map<number, () => Promise<void>>();
  const logs: { node: number; level: string; message: string; [field: string]: unknown }[] = [];
  const refused: { by: number; peer: string }[] = [];
  onTestFinished(async () => {
    await stop(...nodes.keys()).finally(giveBack);
    expect(hub.errors).toEqual([]);
  });

  const registered = await dao.client().listNodes();
  const operators = witan.operators.map(({ address }) => address as Address);
  const chosen = (indices: readonly number[]) => (indices.length === 0 ? [...nodes.keys()] : indices);

  /** A node's name in gossip: its peer id in the registry, unless it was never admitted. */
  const nameOf = (index: number) => registered[index]?.peerId ?? `node ${index}`;

  const accountOf = (index: number) => dao.client(index).account as Address;

  /** The index of an operator's node. */
  const indexOf = (operator: string) => operators.findIndex((each) => each.toLowerCase() === operator.toLowerCase());

  /** Connects nodes to gossip, each with its folder. They do not read the chain yet. */
  async function start(indices: readonly number[], options = {} as Options): Promise<void> {
    for (const index of indices) {
      const logger = createLogger("debug", (line) => logs.push(JSON.parse(line)), { node: index });
      const node: MeshNode = {
        index,
        dir: join(root, `node-${index}`),
        account: accountOf(index),
        client: { ...dao.client(index), ...options.client },
        blsSecret: options.blsSecret ?? witan.blsKeys[index] ?? new Uint8Array(),
        gossip: options.gossip ?? hub.peer(nameOf(index)),
        bls: options.bls ?? bls,
        clock,
        jobs: new BackgroundJobs(logger, clock),
        logger,
        refusePeer: options.refusePeer ?? ((peer) => refused.push({ by: index, peer })),
      };
      nodes.set(index, { ...node, ...(await open(node, options)) });
    }
  }

  async function stop(...indices: number[]): Promise<void> {
    await Promise.all(
      indices.map(async (index) => {
        await running.get(index)?.();
        const stopped = nodes.get(index);
        await stopped?.exchange.close();
        await stopped?.jobs.settled();
        await stopped?.close?.();
        nodes.delete(index);
      }),
    );
  }

  /** A node that has been started. */
  function node(index: number): MeshNode & Part {
    const found = nodes.get(index);
    if (found === undefined) throw new Error(`node ${index} is not started`);
    return found;
  }

  async function updateNode(index: number, change: Partial<ChainView> = {}): Promise<void> {
    const { client, exchange } = node(index);
    await exchange.update({ ...(await readChainView(client)), ...change }, []);
  }

  /** Has these nodes, or all, update from the chain once, as in a cycle of the agent. */
  async function update(...indices: number[]): Promise<void> {
    await Promise.all(chosen(indices).map((index) => updateNode(index)));
  }

  function keepUpdating(index: number): void {
    if (running.has(index)) return;
    const { logger } = node(index);
    const stopping = new AbortController();
    const loop = async () => {
      for (;;) {
        await systemClock.sleep(UPDATE_EVERY_MS, stopping.signal).catch(() => undefined);
        if (stopping.signal.aborted) return;
        await updateNode(index).catch((error: unknown) =>
          logger.warn("an update failed", { reason: messageOf(error) }),
        );
      }
    };
    const ended = loop();
    running.set(index, async () => {
      running.delete(index);
      stopping.abort();
      await ended;
    });
  }

  /** All transactions to a contract with such a method and this id, in the order of the chain. */
  async function transactions(contract: BaseContract, prefix: string, id: string): Promise<MeshTransaction[]> {
    const send = (method: string, ...params: unknown[]) => witan.provider.request({ method, params });
    const address = String(contract.target).toLowerCase();
    const found: MeshTransaction[] = [];
    const last = await dao.client().chain.blockNumber();
    for (let number = witan.deployment.deployedAtBlock; number <= last; number++) {
      const block = (await send("eth_getBlockByNumber", `0x${number.toString(16)}`, true)) as RawBlock;
      for (const { from, hash, input, to } of block.transactions) {
        if (to?.toLowerCase() !== address) continue;
        const call = contract.interface.parseTransaction({ data: input });
        if (!call?.name.startsWith(prefix) || String(call.args[0]) !== id) continue;
        const { status } = (await send("eth_getTransactionReceipt", hash)) as { status: string };
        found.push({ by: indexOf(from), method: call.name, failed: BigInt(status) === 0n });
      }
    }
    return found;
  }

  return {
    dao,
    hub,
    clock,
    logs,
    /** Which nodes have cut off which peers. */
    refused,
    nameOf,
    accountOf,
    indexOf,
    start,
    stop,
    node,
    update,
    /** Has the started nodes read the members, but no proposal and no directive. */
    async updateMembers(): Promise<void> {
      await Promise.all([...nodes.keys()].map((index) => updateNode(index, { proposals: [], directives: [] })));
    },
    /** Has these nodes, or all, update again and again; resolves when each has once. */
    async run(...indices: number[]): Promise<void> {
      await update(...indices);
      for (const index of chosen(indices)) keepUpdating(index);
    },
    /** Waits until this is so of each of these nodes, or of all. */
    async waitForEach<T>(indices: readonly number[], read: (each: MeshNode & Part) => T, value: T): Promise<void> {
      const all = chosen(indices);
      await expect.poll(() => all.map((index) => read(node(index))), patience).toEqual(all.map(() => value));
    },
    /** Splits gossip between groups of nodes. */
    split(...groups: readonly (readonly number[])[]): void {
      hub.split(...groups.map((indices) => indices.map(nameOf)));
    },
    /** No message to or from these nodes arrives. */
    cutOff(...indices: number[]): void {
      hub.cutOff(...indices.map(nameOf));
    },
    /** Ends every split, and connects the nodes that were cut off. */
    heal: () => hub.heal(),
    /** Publishes bytes in a node's name, past every check of its own. */
    async publish(index: number, topic: string, messages: readonly Uint8Array[]): Promise<void> {
      for (const bytes of messages) await hub.peer(nameOf(index)).publish(topic, bytes);
    },
    /** Moves the chain's time on; that of the nodes stays. */
    async increaseTimeTo(seconds: number): Promise<void> {
      await witan.increaseTime(seconds - (await dao.client().chain.now()));
    },
    /** Who does a duty, the first in line first. */
    leadersOf: (duty: string): number[] => leaderOrder(duty, operators).map(indexOf),
    transactions,
    /** The transactions that succeeded. Of two that bring the same, the second is mostly refused before it pays. */
    async settlements(contract: BaseContract, prefix: string, id: string): Promise<Omit<MeshTransaction, "failed">[]> {
      const sent = await transactions(contract, prefix, id);
      expect(sent.filter(({ failed }) => failed).length).toBeLessThanOrEqual(1);
      return sent.filter(({ failed }) => !failed).map(({ by, method }) => ({ by, method }));
    },
  };
}

interface RawBlock {
  readonly transactions: readonly { from: string; to: string | null; input: string; hash: string }[];
}

/** The same of each of these nodes. */
export function all<const T>(indices: readonly number[], value: T): Record<number, T> {
  return Object.fromEntries(indices.map((index) => [index, value]));
}

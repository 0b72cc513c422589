import { join } from "node:path";
import { expect, onTestFinished } from "vitest";
import { AnchoringExchange } from "../../../src/agent/anchoring/exchange.js";
import { type AnchoringMessage, encodeMessage } from "../../../src/agent/anchoring/message.js";
import { BackgroundJobs } from "../../../src/agent/backgroundJobs.js";
import { readChainView } from "../../../src/agent/chainView.js";
import { openOutbox } from "../../../src/agent/outbox/open.js";
import type { Outbox } from "../../../src/agent/outbox/outbox.js";
import type { Client } from "../../../src/client/index.js";
import { hashJoint, type JointMessage } from "../../../src/ports/chain/index.js";
import type { Address, ContentId } from "../../../src/records/index.js";
import { createLogger } from "../../../src/utils/logger.js";
import { TestClock } from "../../harness/clock.js";
import { createTestDao, stateOf } from "../../harness/dao.js";
import { patience } from "../ballots/electorate.js";
import { Hub } from "../ballots/hub.js";
import { bls, temporaryFolder } from "../ballots/roll.js";

export const GATHER_MS = 1_000;

/** One node: its outbox, and its part in anchoring together. */
export interface Seat {
  readonly client: Client;
  readonly outbox: Outbox;
  readonly anchoring: AnchoringExchange;
  readonly tasks: BackgroundJobs;
}

export type Mesh = Awaited<ReturnType<typeof createMesh>>;

/** Nodes that anchor together: real contracts, clients, outboxes and signatures over a mesh in memory. */
export async function createMesh(nodes = 5, { gatherMs = GATHER_MS } = {}) {
  const setting = await createTestDao({ nodes });
  const { witan } = setting;
  const dir = await temporaryFolder();
  const hub = new Hub();
  const seats = new Map<number, Seat>();
  const logs: { node: number; level: string; message: string; [field: string]: unknown }[] = [];
  const refused: { by: number; peer: string }[] = [];
  const clock = new TestClock();
  let states = 0;
  onTestFinished(async () => {
    await stop(...seats.keys());
    setting.close();
    expect(hub.errors).toEqual([]);
  });

  const registered = await setting.client().listNodes();
  /** The name under which a node is in the mesh: the registry's peer id. */
  const nameOf = (index: number) => registered[index]?.peerId ?? "";
  const topic = `witan/anchoring/1/${witan.deployment.contracts.KnowledgeRegistry.toLowerCase()}`;

  async function seat(...indices: number[]): Promise<void> {
    for (const index of indices) {
      const client = setting.client(index);
      const logger = createLogger("debug", (line) => logs.push(JSON.parse(line)), { node: index });
      const tasks = new BackgroundJobs(logger);
      const outbox = await openOutbox({ path: join(dir, `outbox-${index}.jsonl`), client, finality: 2 });
      const anchoring = new AnchoringExchange({
        node: { operator: client.account as Address, client, blsSecret: witan.blsKeys[index] ?? new Uint8Array() },
        outbox,
        gossip: hub.peer(nameOf(index)),
        bls,
        clock,
        jobs: tasks,
        logger,
        gatherMs,
        minAuthors: 5,
        refusePeer: (peer) => refused.push({ by: index, peer }),
      });
      anchoring.start();
      seats.set(index, { client, outbox, anchoring, tasks });
    }
  }

  async function stop(...indices: number[]): Promise<void> {
    for (const index of indices) {
      const seat = seats.get(index);
      if (seat === undefined) continue;
      seats.delete(index);
      await seat.anchoring.close();
      await seat.tasks.settled();
      await seat.outbox.close();
    }
  }

  function seatOf(index: number): Seat {
    const found = seats.get(index);
    if (found === undefined) throw new Error(`node ${index} has no seat`);
    return found;
  }

  /** Has these nodes, or all that are seated, look at the chain once, as in a cycle of the agent. */
  async function look(...indices: number[]): Promise<void> {
    const view = await readChainView(setting.client());
    for (const index of indices.length === 0 ? seats.keys() : indices) {
      await seatOf(index).anchoring.update(view);
    }
  }

  return {
    setting,
    hub,
    logs,
    refused,
    topic,
    nameOf,
    seat,
    seatOf,
    stop,
    look,
    /** Has each of these nodes write a state of its own and offer it. */
    async offer(...indices: number[]): Promise<ContentId[]> {
      const written: ContentId[] = [];
      for (const index of indices) {
        const { anchoring, client, outbox } = seatOf(index);
        const { contentId } = await outbox.submit("State", stateOf(client.account as Address, ++states));
        written.push(contentId);
        await anchoring.offer();
      }
      return written;
    },
    /** Looks again and again until it is so. */
    async until(what: () => Promise<unknown> | unknown, value: unknown): Promise<void> {
      await expect
        .poll(async () => {
          await look();
          return what();
        }, patience)
        .toEqual(value);
    },
    clock,
    /** Moves the nodes' clocks on; the chain's time stays. */
    pass(milliseconds: number): void {
      clock.pass(milliseconds);
    },
    /** Sends whatever a node likes to its neighbours. */
    async say(index: number, ...messages: readonly (AnchoringMessage | Uint8Array)[]): Promise<void> {
      for (const message of messages) {
        const bytes = message instanceof Uint8Array ? message : encodeMessage(message);
        await hub.peer(nameOf(index)).publish(topic, bytes);
      }
    },
    sign(index: number, draft: JointMessage): Extract<AnchoringMessage, { type: "signature" }> {
      const { addresses, chainId } = setting.client().chain;
      const digest = hashJoint({ chainId, registry: addresses.KnowledgeRegistry }, draft);
      const secret = witan.blsKeys[index] ?? new Uint8Array();
      const signature = bls.sign(secret, Buffer.from(digest.slice(2), "hex"));
      return { type: "signature", signed: { index, root: draft.root, signature } };
    },
    /** All anchors: in which transaction, alone or together, and whose. */
    async anchored(): Promise<{ joint: boolean; author: number; transaction: string }[]> {
      const { entries } = await setting.client().listAnchors();
      const operators = witan.operators.map(({ address }) => address.toLowerCase());
      return entries.map(({ author, joint, transactionHash }) => ({
        joint: joint !== null,
        author: operators.indexOf(author.toLowerCase()),
        transaction: transactionHash,
      }));
    },
    /** Records that wait for their anchor, of these nodes. */
    waiting: (...indices: number[]) => indices.map((index) => seatOf(index).outbox.waiting),
  };
}

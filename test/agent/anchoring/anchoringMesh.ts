import { join } from "node:path";
import { expect } from "vitest";
import { AnchoringExchange } from "../../../src/agent/anchoring/exchange.js";
import { type AnchoringMessage, encodeMessage } from "../../../src/agent/anchoring/message.js";
import { openOutbox } from "../../../src/agent/outbox/open.js";
import { hashJoint, type JointMessage } from "../../../src/ports/chain/index.js";
import type { ContentId } from "../../../src/records/index.js";
import { bls } from "../../harness/bls.js";
import { stateOf } from "../../harness/dao.js";
import { createMesh } from "../../harness/mesh.js";
import { patience } from "../../harness/patience.js";

export const GATHER_MS = 1_000;

export type AnchoringMesh = Awaited<ReturnType<typeof createAnchoringMesh>>;

/** A mesh whose nodes anchor together, each with an outbox. */
export async function createAnchoringMesh(nodes = 5, { gatherMs = GATHER_MS } = {}) {
  const mesh = await createMesh(
    async (node) => {
      const outbox = await openOutbox({ path: join(node.dir, "outbox.jsonl"), client: node.client, finality: 2 });
      const exchange = new AnchoringExchange({ ...node, node, outbox, gatherMs, minAuthors: 5 });
      exchange.start();
      return { outbox, exchange, close: () => outbox.close() };
    },
    { nodes },
  );
  const { dao } = mesh;
  const { addresses, chainId } = dao.client().chain;
  const topic = `witan/anchoring/1/${addresses.KnowledgeRegistry.toLowerCase()}`;
  let states = 0;

  return {
    ...mesh,
    topic,
    /** Has each of these nodes write a state of its own and offer it. */
    async offer(...indices: number[]): Promise<ContentId[]> {
      const written: ContentId[] = [];
      for (const index of indices) {
        const { exchange, account, outbox } = mesh.node(index);
        const { contentId } = await outbox.submit("State", stateOf(account, ++states));
        written.push(contentId);
        await exchange.offer();
      }
      return written;
    },
    /** Updates again and again until it is so. */
    async updateUntil(read: () => Promise<unknown> | unknown, value: unknown): Promise<void> {
      await expect
        .poll(async () => {
          await mesh.update();
          return read();
        }, patience)
        .toEqual(value);
    },
    /** Publishes messages, or any bytes, in a node's name. */
    async publish(index: number, ...messages: readonly (AnchoringMessage | Uint8Array)[]): Promise<void> {
      const bytes = messages.map((each) => (each instanceof Uint8Array ? each : encodeMessage(each)));
      await mesh.publish(index, topic, bytes);
    },
    /** Signs a draft in a node's name, past every check of its own. */
    sign(index: number, draft: JointMessage): Extract<AnchoringMessage, { type: "signature" }> {
      const id = hashJoint({ chainId, registry: addresses.KnowledgeRegistry }, draft);
      const secret = dao.witan.blsKeys[index] ?? new Uint8Array();
      const signature = bls.sign(secret, Buffer.from(id.slice(2), "hex"));
      return { type: "signature", signed: { id, index, signature } };
    },
    /** All anchors: in which transaction, alone or together, and whose. */
    async anchored(): Promise<{ joint: boolean; author: number; transaction: string }[]> {
      const { entries } = await dao.client().listAnchors();
      return entries.map(({ author, joint, transactionHash }) => ({
        joint: joint !== null,
        author: mesh.indexOf(author),
        transaction: transactionHash,
      }));
    },
    /** How many records of each of these nodes wait for their anchor. */
    waiting: (...indices: number[]) => indices.map((index) => mesh.node(index).outbox.waiting),
  };
}

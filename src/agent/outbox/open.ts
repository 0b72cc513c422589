import type { Client } from "../../client/index.js";
import {
  type ChainEventOf,
  type FinalityRule,
  hashJoint,
  type JointMessage,
  readFinalHeader,
} from "../../ports/chain/index.js";
import type { ContentId, EncodedRecord, Hex } from "../../records/index.js";
import { type AnchorStanding, Outbox, type OutboxDependencies } from "./outbox.js";
import type { JointSeal, OutboxAnchor, QueuedRecord } from "./state.js";

export interface OpenOutboxParameters {
  readonly path: string;
  /** Stores blocks in its content store, and anchors on its chain in its account's name. */
  readonly client: Client;
  /** When an anchor is final; by the chain's `finalized` tag by default. */
  readonly finality?: FinalityRule | undefined;
  /** As {@link OutboxDependencies.onError}. */
  readonly onError?: ((error: unknown) => void) | undefined;
  /** As {@link OutboxDependencies.onDamage}. */
  readonly onDamage?: OutboxDependencies["onDamage"];
  /** As {@link Outbox.open}'s. */
  readonly shortenAfter?: number | undefined;
}

/** The outbox over a client. @throws {@link DiskError} */
export function openOutbox(parameters: OpenOutboxParameters): Promise<Outbox> {
  const { path, client, finality = "finalized", onDamage, onError, shortenAfter } = parameters;
  const dependencies: OutboxDependencies = {
    put: (bytes) => client.content.put(bytes, { keep: "record" }),
    async anchor(queued) {
      const records = await Promise.all(queued.map((record) => readBack(client, record)));
      const { root, transactionHash, blockNumber } = await client.anchorRecords({ records });
      return { root, transactionHash, blockNumber };
    },
    async sign(queued) {
      const records = await Promise.all(queued.map((record) => readBack(client, record)));
      const { author, root, count, manifest, signature } = await client.signBatch({ records, deadline: 0 });
      return { author, root, count, manifest, signature };
    },
    standingOf: (batch) => standingOf(client, batch, finality),
    onError,
    onDamage,
  };
  return Outbox.open(path, dependencies, shortenAfter);
}

/** The queued record from this node's blocks: the bytes as they were encoded, checked against their CID by the store. */
async function readBack(client: Client, record: QueuedRecord): Promise<EncodedRecord> {
  return { ...record, bytes: await client.content.get(record.cid) };
}

/** Blocks before the one where a joint anchor was seen in which it may be after a reorganisation. */
const MAX_MOVED_BLOCKS = 64;

/**
 * What the chain says of an anchor. It needs the newest state alone: an RPC node may have dropped the state of the last final
 * block. A node that has not reached the anchor's block says nothing of it.
 */
async function standingOf(client: Client, batch: OutboxAnchor, finality: FinalityRule): Promise<AnchorStanding> {
  const { account, chain } = client;
  const { blockNumber, joint, root } = batch;
  const { knowledge } = chain.contracts;
  if ((await chain.blockNumber()) < blockNumber) return "waiting";
  if (joint !== undefined) return standingOfJoint(client, batch, joint, finality);
  const { anchoredAt } = await chain.read(() => knowledge.anchorOf(account ?? "0x", root, { blockTag: "latest" }));
  if (anchoredAt === 0n) return "gone";
  const final = await readFinalHeader(chain, finality);
  if (final === undefined || anchoredAt > final.time) return "waiting";
  // Two blocks of one second: the number says which one it was.
  return anchoredAt < final.time || blockNumber <= final.number ? "final" : "waiting";
}

async function standingOfJoint(
  { chain }: Client,
  { blockNumber }: OutboxAnchor,
  { deadline, id, index }: JointSeal,
  finality: FinalityRule,
): Promise<AnchorStanding> {
  // Others may be in the joint anchor without this node: its own bit counts.
  const hasBit = (word: bigint | string | undefined) => ((BigInt(word ?? 0) >> BigInt(index & 0xff)) & 1n) === 1n;
  const { knowledge } = chain.contracts;
  const latest = await chain.read(() => knowledge.jointAuthors(id, index >> 8, { blockTag: "latest" }));
  // A signed joint anchor may still be included until its deadline.
  if (!hasBit(latest)) return (await chain.now()) <= deadline ? "waiting" : "gone";
  const final = await readFinalHeader(chain, finality);
  if (final === undefined || final.number < blockNumber) return "waiting";
  // The bit may have been set after the anchor, so that its time is not the bit's: the events tell.
  const fromBlock = Math.max(chain.deployedAtBlock, blockNumber - MAX_MOVED_BLOCKS);
  const events = await chain.events({ names: ["JointlyAnchored"], fromBlock, toBlock: final.number });
  const context = { chainId: chain.chainId, registry: chain.addresses.KnowledgeRegistry };
  const isFinal = events.some(
    ({ args }) => hasBit(args.authors[index >> 8]) && hashJoint(context, messageOf(args)) === id,
  );
  return isFinal ? "final" : "waiting";
}

function messageOf({
  batches,
  deadline,
  epoch,
  manifest,
  root,
}: ChainEventOf<"JointlyAnchored">["args"]): JointMessage {
  const numbers = { batches: Number(batches), deadline: Number(deadline), epoch: Number(epoch) };
  return { ...numbers, manifest: manifest as ContentId, root: root as Hex };
}

import type { Client } from "../../client/index.js";
import { type FinalityRule, lastFinalBlock, readHeader } from "../../ports/chain/index.js";
import type { EncodedRecord } from "../../records/index.js";
import { type AnchorStanding, Outbox, type OutboxDependencies } from "./outbox.js";
import type { OutboxAnchor, QueuedRecord } from "./state.js";

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

async function standingOf(
  client: Client,
  { blockNumber, joint, root }: OutboxAnchor,
  finality: FinalityRule,
): Promise<AnchorStanding> {
  const { account, chain } = client;
  const { knowledge } = chain.contracts;
  const isThereAt = async (blockTag: number | "latest") => {
    if (joint !== undefined) {
      // Others may be in the joint anchor without this node: its own bit counts.
      const { id, index } = joint;
      const word = await chain.read(() => knowledge.jointAuthors(id, index >> 8, { blockTag }));
      return ((word >> BigInt(index & 0xff)) & 1n) === 1n;
    }
    const { anchoredAt } = await chain.read(() => knowledge.anchorOf(account ?? "0x", root, { blockTag }));
    return anchoredAt !== 0n;
  };
  if (!(await isThereAt("latest"))) {
    // A signed joint anchor may still be included until its deadline.
    return joint !== undefined && (await chain.now()) <= joint.deadline ? "waiting" : "gone";
  }
  const finalized = finality === "finalized" ? await readHeader(chain, "finalized") : undefined;
  const last = lastFinalBlock(finality, { head: await chain.blockNumber(), finalized: finalized?.number ?? null });
  return last >= blockNumber && (await isThereAt(last)) ? "final" : "waiting";
}

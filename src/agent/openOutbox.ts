import type { Client, NewRecord } from "../client/index.js";
import { decodeRecord, type Hex } from "../records/index.js";
import { AgentDefaults } from "./defaults.js";
import { type AnchoredBatch, Outbox, type QueuedRecord, type Standing } from "./outbox.js";

export interface OpenOutboxParameters {
  readonly path: string;
  /** Blocks go to its content store, anchors to its chain in its account's name. */
  readonly client: Client;
  /**
   * How many blocks make an anchor final, its own included. By default what the chain's `finalized` tag says, and
   * {@link AgentDefaults.finalBlocks} where the node knows no such tag.
   */
  readonly finalBlocks?: number | undefined;
}

/** The outbox over a client. @throws JournalError */
export function openOutbox({ path, client, finalBlocks }: OpenOutboxParameters): Promise<Outbox> {
  return Outbox.open(path, {
    put: (bytes) => client.content.put(bytes, { keep: "record" }),
    async anchor(queued) {
      const records = await Promise.all(queued.map((record) => readBack(client, record)));
      const { root, transactionHash, blockNumber } = await client.anchorRecords({ records });
      return { root, transactionHash, blockNumber };
    },
    standingOf: (batch) => standingOf(client, batch, finalBlocks),
  });
}

/** The record that was queued, from this node's own blocks. */
async function readBack(client: Client, { kind, cid }: QueuedRecord): Promise<NewRecord> {
  return { kind, value: decodeRecord(kind, await client.content.get(cid)) } as NewRecord;
}

async function standingOf(
  client: Client,
  { root, blockNumber }: AnchoredBatch,
  finalBlocks: number | undefined,
): Promise<Standing> {
  const { account, chain } = client;
  const isThereAt = async (blockTag: number | "latest") => {
    const anchor = await chain.read(() => chain.contracts.knowledge.anchorOf(account ?? "0x", root, { blockTag }));
    return anchor.anchoredAt !== 0n;
  };
  if (!(await isThereAt("latest"))) return "gone";
  const last = await lastFinalBlock(client, finalBlocks);
  return last >= blockNumber && (await isThereAt(last)) ? "final" : "waiting";
}

/** The newest block that no reorganisation takes back; negative where there is none. */
async function lastFinalBlock({ chain }: Client, finalBlocks: number | undefined): Promise<number> {
  if (finalBlocks === undefined) {
    const block: { number: Hex } | null = await chain.read(() =>
      chain.provider.send("eth_getBlockByNumber", ["finalized", false]).catch(() => null),
    );
    if (block !== null) return Number(block.number);
  }
  return (await chain.blockNumber()) - (finalBlocks ?? AgentDefaults.finalBlocks) + 1;
}

import { hashJoint } from "../../ports/chain/index.js";
import type { ClientContext } from "../client.js";
import type { RecordAnchor } from "../records/record.js";
import type { AnchorEntry, JointPlace } from "./anchor.js";

/** Reads an anchor from the contract; undefined if the contract does not have it, such as after a reorganisation. */
export async function readAnchor(
  client: Pick<ClientContext, "chain" | "anchors">,
  anchor: AnchorEntry,
): Promise<RecordAnchor | undefined> {
  const joint = await client.anchors.jointPlaceOf(anchor);
  return joint === null ? readLoneAnchor(client, anchor) : readJointAnchor(client, anchor, joint);
}

async function readLoneAnchor(
  { chain }: Pick<ClientContext, "chain">,
  anchor: Pick<AnchorEntry, "author" | "root" | "transactionHash" | "blockNumber">,
): Promise<RecordAnchor | undefined> {
  const { author, root, transactionHash, blockNumber } = anchor;
  const { anchoredAt, sequence } = await chain.read(() => chain.contracts.knowledge.anchorOf(author, root));
  if (anchoredAt === 0n) return undefined;
  return {
    root,
    sequence: Number(sequence),
    anchoredAt: Number(anchoredAt),
    transactionHash,
    blockNumber,
    joint: null,
  };
}

/** The event says which authors have signed; the contract checks the proof. */
async function readJointAnchor(
  { chain }: Pick<ClientContext, "chain">,
  { root, transactionHash, blockNumber }: Pick<AnchorEntry, "root" | "transactionHash" | "blockNumber">,
  joint: JointPlace,
): Promise<RecordAnchor | undefined> {
  const id = hashJoint({ chainId: chain.chainId, registry: chain.addresses.KnowledgeRegistry }, joint);
  const anchoredAt = await chain.read(() => chain.contracts.knowledge.jointlyAnchoredAt(id));
  if (anchoredAt === 0n) return undefined;
  return { root, sequence: null, anchoredAt: Number(anchoredAt), transactionHash, blockNumber, joint };
}

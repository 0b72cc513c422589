import type { ClientContext } from "../client.js";
import type { RecordAnchor } from "../records/record.js";
import type { AnchorEntry, JointPlace } from "./anchor.js";

/** What the contract itself says of an anchor; undefined if it knows none, as after a reorganisation. */
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

/** That the author has signed is in the event; the contract says so of a proof. */
async function readJointAnchor(
  { chain }: Pick<ClientContext, "chain">,
  { root, transactionHash, blockNumber }: Pick<AnchorEntry, "root" | "transactionHash" | "blockNumber">,
  joint: JointPlace,
): Promise<RecordAnchor | undefined> {
  const { anchoredAt } = await chain.read(() => chain.contracts.knowledge.jointAnchorOf(joint.root));
  if (anchoredAt === 0n) return undefined;
  return { root, sequence: null, anchoredAt: Number(anchoredAt), transactionHash, blockNumber, joint };
}

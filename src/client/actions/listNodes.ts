import { peerIdText } from "../../ports/chain/index.js";
import type { Address, Hex } from "../../records/index.js";
import type { ClientContext } from "../client.js";

/** A voting member, past or present. */
export interface NodeSummary {
  readonly index: number;
  readonly operator: Address;
  /** The libp2p peer id. */
  readonly peerId: string;
  /** BLS12-381 public key, EIP-2537 encoding, 128 bytes. */
  readonly key: Hex;
  /** The epochs in which it became a member and ceased to be one; null while it is one. */
  readonly admittedAt: number;
  readonly removedAt: number | null;
  /** The index that the same operator had before its key was rotated. */
  readonly predecessor: number | null;
  /** Whether it is in the newest committee. */
  readonly active: boolean;
}

/**
 * All nodes, by index; those that were removed only where asked for.
 *
 * @throws ChainError.
 * @example
 * const committee = await client.listNodes();
 */
export async function listNodes(
  { chain }: Pick<ClientContext, "chain">,
  { includeRemoved = false }: { readonly includeRemoved?: boolean | undefined } = {},
): Promise<NodeSummary[]> {
  const events = await chain.events({ names: ["NodeAdmitted", "KeyRotated"] });
  const nodes: NodeSummary[] = [];
  for (const { name, args } of events) {
    if (name === "NodeAdmitted") {
      nodes[Number(args.index)] = {
        ...(await readNode(args.index)),
        operator: args.operator as Address,
        peerId: peerIdText(args.peerId),
        key: args.key as Hex,
      };
    } else {
      // A rotated key has an index of its own; the peer stays what it was.
      const peerId = nodes[Number(args.oldIndex)]?.peerId ?? "";
      const key = (await chain.read(() => chain.contracts.nodes.keyOf(args.newIndex))) as Hex;
      const node = await readNode(args.newIndex);
      nodes[node.index] = { ...node, operator: args.operator as Address, peerId, key };
    }
  }
  return nodes.filter((node) => includeRemoved || node.active);

  async function readNode(index: bigint) {
    const { admittedAt, removedAt, predecessor } = await chain.read(() => chain.contracts.nodes.node(index));
    return {
      index: Number(index),
      admittedAt: Number(admittedAt),
      removedAt: removedAt === 0n ? null : Number(removedAt),
      predecessor: predecessor === 0n ? null : Number(predecessor) - 1,
      active: removedAt === 0n,
    };
  }
}

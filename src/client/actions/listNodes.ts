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
  const admitted = await chain.events({ names: ["NodeAdmitted"] });
  const nodes = await Promise.all(
    admitted.map(async ({ args }) => {
      const { removedAt, predecessor } = await chain.read(() => chain.contracts.nodes.node(args.index));
      return {
        index: Number(args.index),
        operator: args.operator as Address,
        peerId: peerIdText(args.peerId),
        key: args.key as Hex,
        admittedAt: Number(args.epoch),
        removedAt: removedAt === 0n ? null : Number(removedAt),
        predecessor: predecessor === 0n ? null : Number(predecessor) - 1,
        active: removedAt === 0n,
      };
    }),
  );
  return nodes.filter((node) => includeRemoved || node.active).sort((a, b) => a.index - b.index);
}

import type { Address, Hex } from "../../records/index.js";

/** A voting member, past or present. */
export interface NodeSummary {
  readonly index: number;
  readonly operator: Address;
  /** The libp2p peer id. */
  readonly peerId: string;
  /** BLS12-381 public key, EIP-2537 encoding, 128 bytes. */
  readonly key: Hex;
  /** The first epoch in which it is a member. */
  readonly admittedAt: number;
  /** The first epoch in which it is not a member any more; null while it is a member. */
  readonly removedAt: number | null;
  /** The index that the same operator had before its key was rotated; null if its key was never rotated. */
  readonly predecessor: number | null;
  /** Whether it is in the newest committee. */
  readonly active: boolean;
}

/** Whether a node is a member of the committee of an epoch. */
export function isMemberIn({ admittedAt, removedAt }: NodeSummary, epoch: number): boolean {
  return admittedAt <= epoch && (removedAt === null || epoch < removedAt);
}

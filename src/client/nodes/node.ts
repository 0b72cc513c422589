import type { Address, Hex } from "../../records/index.js";

/** A voting member, past or present. */
export interface NodeSummary {
  readonly index: number;
  /** The account that the seat is known by: a person's. */
  readonly operator: Address;
  /** Who had the seat before its operator, the first at the beginning. */
  readonly formerOperators: readonly Address[];
  /** The account that acts on the machine: it sends, anchors and reports, and signs where BLS signatures cannot be added up. */
  readonly agent: Address;
  /** The libp2p peer id. */
  readonly peerId: string;
  /** BLS12-381 public key, EIP-2537 encoding, 128 bytes. */
  readonly key: Hex;
  /** The first epoch in which it is a member. */
  readonly admittedAt: number;
  /** The first epoch in which it is not a member any more; null while it is a member. */
  readonly removedAt: number | null;
  /** The index of the seat's agent before this one; null for the first. */
  readonly predecessor: number | null;
  /** Whether it is in the newest committee. */
  readonly active: boolean;
  /** Whether its seat is suspended, so that it is not counted until it returns. The client always says; no is false. */
  readonly suspended?: boolean | undefined;
}

/** Whether a node is a member of the committee of an epoch. */
export function isMemberIn({ admittedAt, removedAt }: NodeSummary, epoch: number): boolean {
  return admittedAt <= epoch && (removedAt === null || epoch < removedAt);
}

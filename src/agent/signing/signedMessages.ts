import type { Address } from "../../records/index.js";

/** What a node has signed, as it travels between nodes: each proves by itself who signed it. */
export interface SignedMessage {
  readonly kind: "ballot" | "attestation" | "anchor";
  readonly bytes: Uint8Array;
}

/** What nodes have signed on what is open, as far as this node knows. */
export interface SignedMessages {
  /** How many entries this node's own journals hold. */
  readonly journalled: number;
  /** What the node of this account has signed. */
  of(account: Address): readonly SignedMessage[];
  /** Takes what a peer returns; what does not prove itself is dropped. */
  take(message: SignedMessage, peer: string): Promise<void>;
}

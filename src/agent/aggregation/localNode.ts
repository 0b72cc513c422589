import type { Client } from "../../client/index.js";
import type { Address } from "../../records/index.js";

/** A node that signs in this process. */
export interface LocalNode {
  readonly operator: Address;
  /** Its signer is the operator: it sends transactions, and signs where BLS signatures cannot be aggregated. */
  readonly client: Client;
  /** 32 bytes. */
  readonly blsSecret: Uint8Array;
}

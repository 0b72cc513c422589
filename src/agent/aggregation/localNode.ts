import type { Client } from "../../client/index.js";
import type { Address } from "../../records/index.js";

/** A node that signs in this process. */
export interface LocalNode {
  readonly account: Address;
  /** Its signer is that account: it sends transactions, and signs where BLS signatures cannot be aggregated. */
  readonly client: Client;
  /** 32 bytes. */
  readonly blsSecret: Uint8Array;
}

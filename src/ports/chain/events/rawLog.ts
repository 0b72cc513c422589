import type { Hex } from "../../../records/index.js";

/** A log as JSON-RPC returns it. */
export interface RawLog {
  readonly address: string;
  readonly topics: readonly string[];
  readonly data: string;
  readonly blockNumber: Hex;
  readonly blockHash: Hex;
  readonly transactionHash: Hex;
  readonly logIndex: Hex;
  /** Seconds since the Unix epoch; not every RPC node sends it. */
  readonly blockTimestamp?: Hex;
}

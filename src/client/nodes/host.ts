import { bytesOf } from "../../records/encoding/hex.js";
import {
  type Address,
  type ContentId,
  contentIdOf,
  decodeHost,
  type Hex,
  type HostDescriptor,
  InvalidRecordError,
} from "../../records/index.js";

/** A host, as its node's newest descriptor on chain says. */
export interface Host extends HostDescriptor {
  /** The node's operator, by which the seat is known. */
  readonly operator: Address;
  /** Of the descriptor. */
  readonly id: ContentId;
  /** The block in which it was described. */
  readonly blockNumber: number;
}

/** What a descriptor's bytes on chain say; undefined for a host that withdrew, or whose descriptor is not valid: members write what they like. */
export function readHost(operator: Address, descriptor: Hex, blockNumber: number): Host | undefined {
  const bytes = bytesOf(descriptor);
  try {
    return { ...decodeHost(bytes), operator, id: contentIdOf(bytes), blockNumber };
  } catch (error) {
    if (error instanceof InvalidRecordError) return undefined;
    throw error;
  }
}

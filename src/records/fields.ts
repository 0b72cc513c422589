import { keccak_256 } from "@noble/hashes/sha3.js";
import { z } from "zod";
import { type Address, type ContentId, DirectiveKinds, type Hex } from "./types.js";

/** Bounds of what a record may hold, each far above what an honest one needs. */
export const RecordBounds = {
  /** A record is read whole, by every node. */
  maxRecordBytes: 256 * 1024,
  /** A name: of a workload, a fleet, a model. */
  maxNameLength: 128,
  /** A sentence for people. */
  maxTextLength: 1_024,
  maxListLength: 1_024,
  /** Observed facts of one incident. */
  maxFacts: 64,
  /** Leaves in one batch: as many as one block of 1 MiB lists. */
  maxBatchLeaves: 8_192,
} as const;

const encoder = new TextEncoder();

/** keccak-256 of UTF-8 text, such as the subject of a directive. */
export function keccakText(text: string): Hex {
  return `0x${toHex(keccak_256(encoder.encode(text)))}`;
}

/** The address with the capitals of EIP-55. */
export function checksumAddress(address: string): Address {
  const digits = address.slice(2).toLowerCase();
  const hash = toHex(keccak_256(encoder.encode(digits)));
  const cased = [...digits].map((digit, index) =>
    Number.parseInt(hash[index] ?? "0", 16) >= 8 ? digit.toUpperCase() : digit,
  );
  return `0x${cased.join("")}`;
}

export function toHex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** Text of 1 to `max` UTF-16 units, well-formed Unicode: a lone surrogate would be replaced silently when encoded. */
export const text = (max: number, min = 1) =>
  z
    .string()
    .min(min)
    .max(max)
    .refine((value) => value.isWellFormed(), "holds a lone surrogate");

export const name = text(RecordBounds.maxNameLength);
export const sentence = text(RecordBounds.maxTextLength, 0);
export const address = z
  .string()
  .regex(/^0x[0-9a-fA-F]{40}$/, "is not an address")
  .transform((value): Address => checksumAddress(value));
export const hash = z
  .string()
  .regex(/^0x[0-9a-f]{64}$/, "is not 32 bytes in lower-case hex")
  .transform((value): ContentId => value as ContentId);
export const count = z.int().min(0).max(Number.MAX_SAFE_INTEGER);
export const share = z.number().min(0).max(1);
export const finite = z.number();
export const cid = z.string().regex(/^[a-z2-7]{20,128}$/, "is not a CIDv1 in base32");
export const directiveKind = z.enum(DirectiveKinds);
export const list = <Item extends z.ZodType>(item: Item, max: number = RecordBounds.maxListLength) =>
  z.array(item).max(max);

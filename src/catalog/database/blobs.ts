import { type Address, checksumAddress, type Hex } from "../../records/index.js";

/** Ids in the database are blobs: half the size of their text, in the table and in every index. */
export function blobOf(hex: string): Uint8Array {
  return Buffer.from(hex.slice(2), "hex");
}

export function hexOfBlob(blob: Uint8Array): Hex {
  return `0x${Buffer.from(blob.buffer, blob.byteOffset, blob.byteLength).toString("hex")}`;
}

/** Few authors have many records, so the checksum of each address is computed once. */
const checksummed = new Map<string, Address>();
const MAX_ADDRESSES = 20_000;

export function addressOfBlob(blob: Uint8Array): Address {
  const hex = hexOfBlob(blob);
  const known = checksummed.get(hex);
  if (known !== undefined) return known;
  const address = checksumAddress(hex) ?? hex;
  if (checksummed.size >= MAX_ADDRESSES) checksummed.clear();
  checksummed.set(hex, address);
  return address;
}

/** JSON of decoded event arguments. Bigints become text, since JSON has none. */
export function jsonOf(value: unknown): string {
  return JSON.stringify(value, (_key, each: unknown) => (typeof each === "bigint" ? each.toString() : each));
}

import { createHash, webcrypto } from "node:crypto";
import type { CID } from "multiformats/cid";
import {
  type BlockCodec,
  contentIdToCid,
  digestToCid,
  type Hex,
  parseCid as parseKnownCid,
} from "../../records/index.js";
import { shortened } from "../../utils/text/decode.js";
import { ContentError, MAX_BLOCK_BYTES } from "./content.js";

/**
 * The CID in text, parsed: version 1, base32, sha2-256, a codec of our own.
 * @throws {ContentError} `invalid-cid`.
 */
export function parseCid(text: string): CID {
  const cid = parseKnownCid(text);
  if (cid !== undefined) return cid;
  throw new ContentError("invalid-cid", `${shortened(String(text), 128)} is not a CID that can be read here.`);
}

/**
 * The CID of a block.
 * @throws {ContentError} `too-large` over the limit of a block.
 */
export function cidOfBlock(bytes: Uint8Array, codec: BlockCodec = "dag-cbor"): string {
  assertIsBlock(bytes);
  return contentIdToCid(sha256Of(bytes), codec);
}

/** Bytes from which a hash is computed on another thread: below it the way there and back costs more than the hash. */
const ASYNC_HASH_BYTES = 64 * 1024;

/** Whether these bytes are the block that the CID names. */
export function isBlockOf(cid: CID, bytes: Uint8Array): boolean {
  return createHash("sha256").update(bytes).digest().equals(cid.multihash.digest);
}

/** {@link isBlockOf}, which computes the hash of a large block on another thread. Nobody may change the bytes meanwhile. */
export async function isBlock(cid: CID, bytes: Uint8Array): Promise<boolean> {
  if (bytes.length < ASYNC_HASH_BYTES) return isBlockOf(cid, bytes);
  return (await digestOf(bytes)).equals(cid.multihash.digest);
}

/**
 * {@link cidOfBlock}, parsed, which computes the hash of a large block on another thread. Nobody may change the bytes meanwhile.
 * @throws {ContentError} `too-large` over the limit of a block.
 */
export async function computeCid(bytes: Uint8Array, codec: BlockCodec = "dag-cbor"): Promise<CID> {
  assertIsBlock(bytes);
  const digest = bytes.length < ASYNC_HASH_BYTES ? createHash("sha256").update(bytes).digest() : await digestOf(bytes);
  return digestToCid(digest, codec);
}

function assertIsBlock(bytes: Uint8Array): void {
  if (bytes.length <= MAX_BLOCK_BYTES) return;
  throw new ContentError("too-large", `A block of ${bytes.length} bytes is over the limit of ${MAX_BLOCK_BYTES}.`);
}

async function digestOf(bytes: Uint8Array): Promise<Buffer> {
  return Buffer.from(await webcrypto.subtle.digest("SHA-256", bytes as Uint8Array<ArrayBuffer>));
}

/** The sha256 of bytes. Native: this runs on every read of every block. */
export function sha256Of(bytes: Uint8Array): Hex {
  return `0x${createHash("sha256").update(bytes).digest("hex")}`;
}

/** @throws {ContentError} `too-large` if a block is over the limit that the caller asked for. */
export function assertFits(cid: string, bytes: Uint8Array, maxBytes: number = MAX_BLOCK_BYTES): void {
  if (bytes.length <= maxBytes) return;
  throw new ContentError("too-large", `The block ${cid} has ${bytes.length} bytes, over the limit of ${maxBytes}.`);
}

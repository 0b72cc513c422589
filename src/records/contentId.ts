import { sha256 } from "@noble/hashes/sha2.js";
import { CID } from "multiformats/cid";
import * as Digest from "multiformats/hashes/digest";
import { InvalidInputError } from "../errors.js";
import { shortened } from "../utils/text/decode.js";
import { bytesOf, hexOf } from "./encoding/hex.js";
import type { ContentId } from "./types.js";

/** The codecs that Witan's blocks are in: records, files of one chunk, files of several, JSON documents. */
export const BlockCodecs = { "dag-cbor": 0x71, raw: 0x55, "dag-pb": 0x70, json: 0x0200 } as const;
export type BlockCodec = keyof typeof BlockCodecs;

const SHA2_256 = 0x12;
const DIGEST_BYTES = 32;
const CONTENT_ID = /^0x[0-9a-f]{64}$/;

/** The sha2-256 digest of a block's bytes. */
export function contentIdOf(bytes: Uint8Array): ContentId {
  return hexOf(sha256(bytes));
}

/** Whether a value is `0x` and 64 lower-case digits. */
export function isContentId(value: unknown): value is ContentId {
  return typeof value === "string" && CONTENT_ID.test(value);
}

/**
 * The digest inside a CID.
 *
 * @throws {InvalidInputError} if `cid` is not the base32 text of a CIDv1 of sha2-256 in a codec of {@link BlockCodecs}.
 */
export function cidToContentId(cid: string): ContentId {
  const parsed = parseCid(cid);
  if (parsed === undefined) {
    throw new InvalidInputError(`Not a CIDv1 of sha2-256 in dag-cbor, raw, dag-pb or json: ${shortened(cid, 100)}`);
  }
  return hexOf(parsed.multihash.digest);
}

/** The codec of a CID. @throws {InvalidInputError} as {@link cidToContentId}. */
export function codecOfCid(cid: string): BlockCodec {
  const code = parseCid(cid)?.code;
  for (const [name, value] of Object.entries(BlockCodecs)) if (value === code) return name as BlockCodec;
  throw new InvalidInputError(`Not a CIDv1 of sha2-256 in dag-cbor, raw, dag-pb or json: ${shortened(cid, 100)}`);
}

/**
 * The CIDv1 text of a ContentId. A record's codec is dag-cbor.
 *
 * @throws {InvalidInputError} if `id` is not a ContentId.
 */
export function contentIdToCid(id: ContentId, codec: BlockCodec = "dag-cbor"): string {
  if (!isContentId(id)) throw new InvalidInputError(`Not a ContentId: ${shortened(String(id), 100)}`);
  return digestToCid(bytesOf(id), codec).toString();
}

/** The CIDv1 of a sha2-256 digest of 32 bytes. */
export function digestToCid(digest: Uint8Array, codec: BlockCodec): CID {
  return CID.createV1(BlockCodecs[codec], Digest.create(SHA2_256, digest));
}

/** Whether `text` is the one canonical text of a CID that Witan reads: CIDv1, base32, sha2-256, a known codec. */
export function isCid(text: string): boolean {
  return parseCid(text) !== undefined;
}

/** The CID of such a text, parsed; undefined if {@link isCid} is false. */
export function parseCid(text: string): CID | undefined {
  const cid = tryParse(text);
  if (cid === undefined || cid.version !== 1 || cid.toString() !== text) return undefined;
  if (cid.multihash.code !== SHA2_256 || cid.multihash.digest.byteLength !== DIGEST_BYTES) return undefined;
  return Object.values<number>(BlockCodecs).includes(cid.code) ? cid : undefined;
}

function tryParse(text: string): CID | undefined {
  try {
    return CID.parse(text);
  } catch (error) {
    // CID.parse throws on anything that is not a CID, which this function reports as undefined.
    if (error instanceof Error) return undefined;
    throw error;
  }
}

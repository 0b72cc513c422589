import { sha256 } from "@noble/hashes/sha2.js";
import { CID } from "multiformats/cid";
import * as Digest from "multiformats/hashes/digest";
import { InvalidInputError } from "../errors.js";
import { toHex } from "./fields.js";
import type { ContentId } from "./types.js";

export const Codecs = { raw: 0x55, "dag-pb": 0x70, "dag-cbor": 0x71 } as const;
export type Codec = keyof typeof Codecs;

const SHA2_256 = 0x12;

/** The ContentId of a block: its sha2-256 digest. */
export function contentIdOf(bytes: Uint8Array): ContentId {
  return `0x${toHex(sha256(bytes))}`;
}

/** The CIDv1 (base32) of a ContentId, for a block of the given codec. */
export function contentIdToCid(contentId: ContentId, codec: Codec = "dag-cbor"): string {
  if (!/^0x[0-9a-f]{64}$/.test(contentId)) throw new InvalidInputError(`${contentId} is not a ContentId.`);
  const digest = Uint8Array.from(contentId.slice(2).match(/../g) ?? [], (byte) => Number.parseInt(byte, 16));
  return CID.createV1(Codecs[codec], Digest.create(SHA2_256, digest)).toString();
}

/**
 * The ContentId of a CIDv1 in text.
 *
 * @throws {InvalidInputError} where it is no CIDv1 of a sha2-256 digest.
 */
export function cidToContentId(cid: string): ContentId {
  let parsed: CID;
  try {
    parsed = CID.parse(cid);
  } catch (cause) {
    throw new InvalidInputError(`${cid} is not a CID.`, { cause });
  }
  if (parsed.version !== 1 || parsed.multihash.code !== SHA2_256 || parsed.multihash.digest.length !== 32) {
    throw new InvalidInputError(`${cid} is not a CIDv1 of a sha2-256 digest.`);
  }
  return `0x${toHex(parsed.multihash.digest)}`;
}

import { CID } from "multiformats/cid";
import { type BlockCodec, BlockCodecs, cidToContentId, contentIdOf, contentIdToCid } from "../../records/index.js";
import { ContentError, MAX_BLOCK_BYTES } from "./content.js";

/** The CID in text, parsed. Only what our own records use: version 1, sha2-256, a known codec. */
export function parseCid(text: string): CID {
  try {
    cidToContentId(text);
    const cid = CID.parse(text);
    if (!(Object.values(BlockCodecs) as number[]).includes(cid.code)) throw new Error(`codec ${cid.code}`);
    return cid;
  } catch (cause) {
    throw new ContentError("invalid-cid", `${text.slice(0, 128)} is not a CID that can be read here.`, { cause });
  }
}

/** The CID of a block. Throws `too-large` over the limit of a block. */
export function cidOfBlock(bytes: Uint8Array, codec: BlockCodec): string {
  if (bytes.length > MAX_BLOCK_BYTES) {
    throw new ContentError("too-large", `A block of ${bytes.length} bytes is over the limit of ${MAX_BLOCK_BYTES}.`);
  }
  return contentIdToCid(contentIdOf(bytes), codec);
}

/** Whether these bytes are the block that the CID names. */
export function isBlockOf(cid: CID, bytes: Uint8Array): boolean {
  return cidToContentId(cid.toString()) === contentIdOf(bytes);
}

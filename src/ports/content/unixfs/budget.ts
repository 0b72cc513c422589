import { ContentError } from "../content.js";
import type { LoadBlock } from "./fileReader.js";

/** The smallest average chunk that is read: a file of smaller chunks is refused. */
const MIN_CHUNK_BYTES = 1024;
/** Blocks that a file of any size may have. */
const FREE_BLOCKS = 16;

/** Refuses more blocks than the largest file that may be read needs. */
export function budgeted(cid: string, maxBytes: number, load: LoadBlock): LoadBlock {
  let blocks = Math.ceil(maxBytes / MIN_CHUNK_BYTES) + FREE_BLOCKS;
  return async (part) => {
    blocks -= 1;
    if (blocks < 0) throw new ContentError("too-large", `The file ${cid} has more blocks than its bytes need.`);
    return load(part);
  };
}

export function otherSha256(cid: string, sha256: string): ContentError {
  return new ContentError("corrupt", `The file ${cid} does not have the sha256 ${sha256}.`);
}

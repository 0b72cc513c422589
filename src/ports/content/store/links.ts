import * as dagCbor from "@ipld/dag-cbor";
import * as dagPb from "@ipld/dag-pb";
import { CID } from "multiformats/cid";

/**
 * The CIDs that a block links to. Of codecs other than dag-pb and dag-cbor, none.
 *
 * @throws if the bytes are not of the CID's codec.
 */
export function linksOf(cid: CID, bytes: Uint8Array): CID[] {
  if (cid.code === dagPb.code) return dagPb.decode(bytes).Links.map(({ Hash }) => Hash);
  if (cid.code === dagCbor.code) return linksIn(dagCbor.decode(bytes));
  return [];
}

/** Whether blocks of this CID's codec may link to others. */
export function mayLink(cid: CID): boolean {
  return cid.code === dagPb.code || cid.code === dagCbor.code;
}

function linksIn(value: unknown): CID[] {
  const found: CID[] = [];
  // No recursion: a small block can be nested deeper than the stack.
  const rest = [value];
  while (rest.length > 0) {
    const next = rest.pop();
    const cid = CID.asCID(next);
    if (cid !== null) found.push(cid);
    else if (typeof next === "object" && next !== null && !ArrayBuffer.isView(next)) {
      for (const each of Object.values(next)) rest.push(each);
    }
  }
  return found;
}

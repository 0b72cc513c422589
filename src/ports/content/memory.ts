import type { BlockCodec } from "../../records/index.js";
import { cidOfBlock, isBlockOf, parseCid } from "./cid.js";
import { ContentError, type ContentStore, MAX_BLOCK_BYTES } from "./content.js";
import { getFile, putFile } from "./files.js";

/** A store in memory: for tests and for programs that only read. Its blocks end with the process. */
export function createMemoryContent(blocks: Map<string, Uint8Array> = new Map()): ContentStore {
  const store: ContentStore = {
    async put(bytes, options: { readonly codec?: BlockCodec } = {}) {
      const cid = cidOfBlock(bytes, options.codec ?? "dag-cbor");
      blocks.set(cid, bytes.slice());
      return cid;
    },
    async get(cid, { maxBytes = MAX_BLOCK_BYTES } = {}) {
      const parsed = parseCid(cid);
      const bytes = blocks.get(cid);
      if (bytes === undefined) throw new ContentError("missing", `The block ${cid} is not in this store.`);
      if (bytes.length > maxBytes) throw new ContentError("too-large", `The block ${cid} is over ${maxBytes} bytes.`);
      if (!isBlockOf(parsed, bytes)) throw new ContentError("corrupt", `The block ${cid} is altered.`);
      return bytes.slice();
    },
    async has(cid) {
      const bytes = blocks.get(cid);
      return bytes !== undefined && isBlockOf(parseCid(cid), bytes);
    },
    putFile: (source, options) => putFile(store, source, options),
    getFile: (cid, options) => getFile(store, cid, options),
    close: async () => undefined,
  };
  return store;
}

import { assertFits, cidOfBlock, isBlockOf, parseCid } from "../cid.js";
import { ContentError, type ContentStore } from "../content.js";
import { getFile } from "../unixfs/getFile.js";
import { openFile } from "../unixfs/openFile.js";
import { putFile } from "../unixfs/putFile.js";
import { openTree } from "../unixfs/treeReader.js";
import { putTree } from "../unixfs/treeWriter.js";

/**
 * A store in memory, for tests and short programs. Its blocks end with the process.
 *
 * @param blocks The blocks by CID. The map is used as it is: a caller that changes it changes what is stored.
 */
export function createMemoryContent(blocks: Map<string, Uint8Array> = new Map()): ContentStore {
  let closed = false;
  const open = (signal?: AbortSignal) => {
    signal?.throwIfAborted();
    if (closed) throw new ContentError("storage", "The store is closed.");
  };
  const store: ContentStore = {
    async put(bytes, { codec, signal } = {}) {
      open(signal);
      const cid = cidOfBlock(bytes, codec);
      blocks.set(cid, bytes.slice());
      return cid;
    },
    async get(cid, { maxBytes, signal } = {}) {
      open(signal);
      const parsed = parseCid(cid);
      const bytes = blocks.get(cid);
      if (bytes === undefined) throw new ContentError("missing", `The block ${cid} is not in this store.`);
      if (!isBlockOf(parsed, bytes)) {
        blocks.delete(cid);
        throw new ContentError("corrupt", `The block ${cid} was altered in memory.`);
      }
      assertFits(cid, bytes, maxBytes);
      return bytes.slice();
    },
    async has(cid) {
      open();
      const parsed = parseCid(cid);
      const bytes = blocks.get(cid);
      return bytes !== undefined && isBlockOf(parsed, bytes);
    },
    putFile: (source, options) => putFile(store, source, options),
    getFile: (cid, options) => getFile(store, cid, options),
    openFile: (cid, options) => openFile(store, cid, options),
    putTree: (files, options) => putTree(store, files, options),
    openTree: (cid, options) => openTree(store, cid, options),
    async close() {
      closed = true;
    },
  };
  return store;
}

import type { CID } from "multiformats/cid";
import { assertFits, cidOfBlock, parseCid } from "../cid.js";
import { ContentError, type ContentStore, type GetOptions } from "../content.js";
import type { ContentMaintenance } from "../maintenance.js";
import { getFile, openFile, putFile } from "../unixfs/files.js";
import { cidOfKey } from "./blockKeys.js";
import { collectGarbage } from "./gc.js";
import { createPins, keptAs } from "./pins.js";
import { type Heal, scrub } from "./scrub.js";
import type { GcHold, VerifiedBlocks } from "./verifiedBlocks.js";
import { walk } from "./walk.js";

export interface OwnBlocksParameters {
  readonly blocks: VerifiedBlocks;
  /** Where a block is looked for that is not here; `altered` where it was, until a moment ago. */
  readonly fetch: (cid: CID, altered: boolean, options: GetOptions) => Promise<Uint8Array>;
  readonly heal: Heal;
  /** Told of each block that was put. */
  readonly onPut?: (cid: CID) => void;
  /** Ends everything else, before the blocks are closed. */
  readonly close: () => Promise<void>;
}

/** A content store over blocks on disk, with the upkeep of its owner. */
export function createOwnBlocks(parameters: OwnBlocksParameters): ContentStore & ContentMaintenance {
  const { blocks, fetch, heal, onPut, close } = parameters;
  let closed = false;

  function assertOpen(): void {
    if (closed) throw new ContentError("storage", "The store is closed.");
  }

  async function put(bytes: Uint8Array, options: Parameters<ContentStore["put"]>[1] = {}, hold?: GcHold) {
    assertOpen();
    const { codec, signal, keep } = options;
    signal?.throwIfAborted();
    const cid = cidOfBlock(bytes, codec);
    const parsed = parseCid(cid);
    hold?.add(parsed);
    await blocks.write(parsed, bytes, keep === undefined ? undefined : keptAs(keep, cid, "block"));
    onPut?.(parsed);
    return cid;
  }

  const store: ContentStore & ContentMaintenance = {
    put: (bytes, options) => put(bytes, options),
    async get(cid, options = {}) {
      assertOpen();
      options.signal?.throwIfAborted();
      const parsed = parseCid(cid);
      const here = await blocks.read(parsed);
      const bytes = here instanceof Uint8Array ? here : await fetch(parsed, here === "corrupt", options);
      assertFits(cid, bytes, options.maxBytes);
      return bytes;
    },
    async has(cid) {
      assertOpen();
      return (await blocks.read(parseCid(cid))) instanceof Uint8Array;
    },
    async putFile(source, { keep, signal } = {}) {
      assertOpen();
      const abort = signal === undefined ? {} : { signal };
      // A collection that runs meanwhile finds no root above the first blocks yet.
      const hold = blocks.hold();
      try {
        const file = await putFile({ put: (bytes, options) => put(bytes, options, hold) }, source, abort);
        if (keep !== undefined) await blocks.setRoot(keptAs(keep, file.cid, "tree"));
        return file;
      } finally {
        hold.release();
      }
    },
    getFile: (cid, options) => getFile(store, cid, options),
    openFile: (cid, options) => openFile(store, cid, options),
    pins: createPins(blocks),
    async gc(options) {
      assertOpen();
      return collectGarbage(blocks, options);
    },
    async scrub(options) {
      assertOpen();
      return scrub(blocks, heal, options);
    },
    async *needed(roots = blocks.listRoots()) {
      assertOpen();
      const load = async (cid: CID) => {
        const found = await blocks.read(cid);
        return found instanceof Uint8Array ? found : undefined;
      };
      for await (const root of roots) {
        for await (const { cid } of walk(root, load)) yield { cid: cid.toString(), root: root.name };
      }
    },
    async *blocks() {
      assertOpen();
      for await (const { key, at, bytes } of blocks.entries())
        yield { cid: cidOfKey(key).toString(), bytes, since: at };
    },
    async close() {
      if (closed) return;
      closed = true;
      await close();
    },
  };
  return store;
}

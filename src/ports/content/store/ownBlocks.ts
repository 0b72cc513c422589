import type { CID } from "multiformats/cid";
import { digestToCid } from "../../../records/index.js";
import type { Clock } from "../../../utils/clock.js";
import { assertFits, computeCid, parseCid } from "../cid.js";
import { type AbortOptions, ContentError, type ContentStore, type GetOptions, type PutOptions } from "../content.js";
import { HashThreads } from "../hashing/fileHashing.js";
import type { ContentMaintenance } from "../maintenance.js";
import { getFile } from "../unixfs/getFile.js";
import { openFile } from "../unixfs/openFile.js";
import { putFile } from "../unixfs/putFile.js";
import { openTree } from "../unixfs/treeReader.js";
import { putTree } from "../unixfs/treeWriter.js";
import { cidOfKey } from "./blockKeys.js";
import { collectGarbage } from "./gc.js";
import { createPins, pinFor } from "./pins.js";
import { type HealBlock, scrub } from "./scrub.js";
import type { VerifiedBlocks } from "./verifiedBlocks.js";
import { walk } from "./walk.js";
import type { GcHold } from "./writeWatches.js";

export interface OwnBlocksParameters {
  readonly blocks: VerifiedBlocks;
  readonly clock: Clock;
  /** Fetches a block that is not here; `altered` if it was here, and was just moved into quarantine. */
  readonly fetch: (cid: CID, altered: boolean, options: GetOptions) => Promise<Uint8Array>;
  readonly heal: HealBlock;
  /** Called with each block that was put. */
  readonly onPut?: (cid: CID) => void;
  /** Ends all that uses the blocks, then closes them. */
  readonly close: () => Promise<void>;
}

/** A content store over blocks on disk, with maintenance by its owner. */
export function createOwnBlocks(parameters: OwnBlocksParameters): ContentStore & ContentMaintenance {
  const { blocks, clock, fetch, heal, onPut, close } = parameters;
  const threads = new HashThreads();
  let closed = false;

  function assertOpen(): void {
    if (closed) throw new ContentError("storage", "The store is closed.");
  }

  async function put(bytes: Uint8Array, options: Parameters<ContentStore["put"]>[1] = {}, hold?: GcHold) {
    assertOpen();
    const { codec, signal, keep } = options;
    signal?.throwIfAborted();
    // Copied: the caller may change its bytes before they are written. The blocks of a file are this store's own.
    const own = hold === undefined ? bytes.slice() : bytes;
    const parsed = await computeCid(own, codec);
    const cid = parsed.toString();
    hold?.add(parsed);
    await blocks.writeOwn(parsed, own, keep === undefined ? undefined : pinFor(keep, cid, "block", clock.now()));
    onPut?.(parsed);
    return cid;
  }

  /** Stores a leaf of a file, of which the sha256 is known, and whose bytes nobody changes until then. */
  async function putLeaf(bytes: Uint8Array, digest: Uint8Array, hold: GcHold): Promise<string> {
    assertOpen();
    const cid = digestToCid(digest, "raw");
    hold.add(cid);
    await blocks.writeOwn(cid, bytes);
    onPut?.(cid);
    return cid.toString();
  }

  async function readLeaf(...parameters: Parameters<VerifiedBlocks["readLeaf"]>): Promise<Uint8Array | undefined> {
    assertOpen();
    return blocks.readLeaf(...parameters);
  }

  /** Stores content of many blocks, and pins its root. */
  async function putAll<Stored extends { readonly cid: string }>(
    write: (own: Pick<ContentStore, "put">, options: AbortOptions, hold: GcHold) => Promise<Stored>,
    { keep, signal }: PutOptions = {},
  ): Promise<Stored> {
    assertOpen();
    // gc may run before the pin is written, and must spare the blocks until then.
    const hold = blocks.hold();
    try {
      const own = {
        put: (bytes: Uint8Array, options?: Parameters<ContentStore["put"]>[1]) => put(bytes, options, hold),
      };
      const stored = await write(own, signal === undefined ? {} : { signal }, hold);
      if (keep !== undefined) await blocks.pins.set(pinFor(keep, stored.cid, "tree", clock.now()));
      return stored;
    } finally {
      hold.release();
    }
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
    putFile: (source, options) =>
      putAll((own, abort, hold) => {
        const local = { threads, putLeaf: (bytes: Uint8Array, digest: Uint8Array) => putLeaf(bytes, digest, hold) };
        return putFile({ ...own, local }, source, abort);
      }, options),
    getFile: (cid, options) => getFile(store, cid, options),
    openFile: (cid, options) => openFile({ get: store.get, local: { threads, readLeaf } }, cid, options),
    putTree: (files, options) => putAll((own, abort) => putTree(own, files, abort), options),
    openTree: (cid, options) => openTree(store, cid, options),
    pins: createPins(blocks.pins, clock),
    async gc(options) {
      assertOpen();
      return collectGarbage(blocks, options);
    },
    async scrub(options) {
      assertOpen();
      return scrub(blocks, heal, options);
    },
    async *needed(pins = blocks.pins.list()) {
      assertOpen();
      const load = async (cid: CID) => {
        const found = await blocks.read(cid);
        return found instanceof Uint8Array ? found : undefined;
      };
      for await (const pin of pins) {
        for await (const { cid } of walk(pin, load)) yield { cid: cid.toString(), pin: pin.name };
      }
    },
    async *blocks() {
      assertOpen();
      for await (const { key, at, bytes } of blocks.ages.entries())
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

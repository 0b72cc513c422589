import { createHash } from "node:crypto";
import { importByteStream, type WritableStorage } from "ipfs-unixfs-importer";
import { balanced } from "ipfs-unixfs-importer/layout";
import { CID } from "multiformats/cid";
import { InvalidInputError } from "../../../errors.js";
import { codecOfCid } from "../../../records/index.js";
import { systemClock } from "../../../utils/clock.js";
import { within } from "../../../utils/timing/deadline.js";
import { cidOfBlock, parseCid, sha256Of } from "../cid.js";
import {
  type AbortOptions,
  ContentError,
  type ContentStore,
  DEFAULT_FILE_TIMEOUT_MS,
  DEFAULT_MAX_FILE_BYTES,
  DEFAULT_MAX_STREAM_BYTES,
  DEFAULT_TIMEOUT_MS,
  type GetFileOptions,
  MAX_BLOCK_BYTES,
  type OpenFile,
  type OpenFileOptions,
  type StoredFile,
} from "../content.js";
import { type LoadBlock, readFileBlocks, readFileRoot } from "./fileReader.js";

/** Links of one inner node. It changes CIDs, as the chunk size does: both are those of the profile unixfs-v1-2025. */
const MAX_CHILDREN = 1024;
/** Blocks that are hashed and written at once: what one waits for, such as a sync, another uses. */
const WRITE_CONCURRENCY = 16;
/** The smallest average chunk that is read: a file of smaller chunks is refused. */
const MIN_CHUNK_BYTES = 1024;
/** Blocks that a file of any size may have. */
const FREE_BLOCKS = 16;

/** Stores a file over any store's blocks. Chunking changes the CID, so it is fixed here. */
export async function putFile(
  store: Pick<ContentStore, "put">,
  source: Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
  options: AbortOptions = {},
): Promise<StoredFile> {
  const digest = createHash("sha256");
  let bytes = 0;
  async function* counted(): AsyncGenerator<Uint8Array> {
    for await (const chunk of source) {
      options.signal?.throwIfAborted();
      digest.update(chunk);
      bytes += chunk.length;
      yield chunk;
    }
  }
  const blocks: WritableStorage = {
    async put(cid, value) {
      if (!(value instanceof Uint8Array)) throw new TypeError(`The block ${cid} is not in one piece`);
      return CID.parse(await store.put(value, { codec: codecOfCid(cid.toString()), ...options }));
    },
  };
  const chunks = new ChunkBuffers();
  /** Leaves get their CIDs from the store, which computes them anyway: the importer would hash each a second time. */
  async function* leaves({ content }: { content: AsyncIterable<Uint8Array> }) {
    for await (const chunk of content) {
      yield async () => {
        const cid = CID.parse(await store.put(chunk, { codec: "raw", ...options }));
        const size = BigInt(chunk.length);
        chunks.release(chunk);
        return { cid, size, block: NOT_KEPT };
      };
    }
  }
  const { cid } = await importByteStream(counted(), blocks, {
    bufferImporter: leaves,
    cidVersion: 1,
    rawLeaves: true,
    reduceSingleLeafToSelf: true,
    chunker: (pieces) => chunks.fill(pieces),
    layout: balanced({ maxChildrenPerNode: MAX_CHILDREN }),
    blockWriteConcurrency: WRITE_CONCURRENCY,
  });
  return { cid: cid.toString(), bytes, sha256: `0x${digest.digest("hex")}` };
}

/** The importer reads a leaf's bytes only to give it a time or a mode, which files here have not. */
const NOT_KEPT = new Uint8Array();

/**
 * Cuts a stream into chunks of one block each. Their buffers are used again once a chunk is stored: with new ones the
 * runtime would collect garbage for as long as it hashes.
 */
class ChunkBuffers {
  readonly #free: Uint8Array[] = [];

  async *fill(pieces: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    let chunk: Uint8Array | undefined;
    let filled = 0;
    let isEmpty = true;
    for await (const piece of pieces) {
      for (let at = 0; at < piece.length; ) {
        chunk ??= this.#free.pop() ?? new Uint8Array(MAX_BLOCK_BYTES);
        const part = piece.subarray(at, at + chunk.length - filled);
        chunk.set(part, filled);
        at += part.length;
        filled += part.length;
        if (filled < chunk.length) continue;
        yield chunk;
        isEmpty = false;
        chunk = undefined;
        filled = 0;
      }
    }
    if (chunk !== undefined) yield chunk.slice(0, filled);
    else if (isEmpty) yield new Uint8Array();
  }

  /** Called when nobody reads the chunk any more. */
  release(chunk: Uint8Array): void {
    if (chunk.length === MAX_BLOCK_BYTES) this.#free.push(chunk);
  }
}

/** The CID that a file has here, without storing it. */
export async function fileCidOf(source: AsyncIterable<Uint8Array>): Promise<string> {
  const { cid } = await putFile({ put: async (bytes, { codec } = {}) => cidOfBlock(bytes, codec) }, source);
  return cid;
}

/** Reads a whole file over any store's blocks: one deadline and one budget for all of them. */
export async function getFile(
  store: Pick<ContentStore, "get">,
  cid: string,
  {
    maxBytes = DEFAULT_MAX_FILE_BYTES,
    timeoutMs = DEFAULT_FILE_TIMEOUT_MS,
    sha256,
    signal,
    providers,
  }: GetFileOptions = {},
): Promise<Uint8Array> {
  const root = parseCid(cid);
  const late = () => new ContentError("timeout", `The file ${cid} did not arrive within ${timeoutMs} ms.`);
  return within({ timeoutMs, signal, late }, async (inner) => {
    const deadline = systemClock.monotonic() + timeoutMs;
    const load = budgeted(cid, maxBytes, (part) => {
      const rest = Math.max(1, deadline - systemClock.monotonic());
      return store.get(part.toString(), { timeoutMs: rest, signal: inner, ...(providers ? { providers } : {}) });
    });
    // Not allocated at once: the size is a claim until the bytes are here.
    const chunks: Uint8Array[] = [];
    for await (const chunk of readFileBlocks(await readFileRoot(root, load, maxBytes), load)) chunks.push(chunk);
    const bytes = joined(chunks);
    if (sha256 !== undefined && sha256 !== sha256Of(bytes)) throw otherSha256(cid, sha256);
    return bytes;
  });
}

/** Opens a file over any store's blocks, to read it as a stream: a deadline for each block, one budget for all. */
export async function openFile(
  store: Pick<ContentStore, "get">,
  cid: string,
  { maxBytes = DEFAULT_MAX_STREAM_BYTES, timeoutMs = DEFAULT_TIMEOUT_MS, signal, providers }: OpenFileOptions = {},
): Promise<OpenFile> {
  const blockOptions = { timeoutMs, ...(providers ? { providers } : {}) };
  const loadWith = (inner: AbortSignal | undefined) =>
    budgeted(cid, maxBytes, (part) =>
      store.get(part.toString(), { ...blockOptions, ...(inner === undefined ? {} : { signal: inner }) }),
    );
  const root = await readFileRoot(parseCid(cid), loadWith(signal), maxBytes);
  return {
    cid,
    bytes: root.bytes,
    async *read({ offset = 0, sha256, signal: ending } = {}) {
      if (!Number.isSafeInteger(offset) || offset < 0 || offset > root.bytes) {
        throw new InvalidInputError(`The file ${cid} is read from 0 to ${root.bytes} bytes, not from ${offset}`);
      }
      if (offset > 0 && sha256 !== undefined) {
        throw new InvalidInputError("The sha256 of a file can be checked only where it is read from its beginning");
      }
      const digest = sha256 === undefined ? undefined : createHash("sha256");
      // Ends the loads that run ahead, however the reading ends.
      const reading = new AbortController();
      const signals = [reading.signal, ...(signal ? [signal] : []), ...(ending ? [ending] : [])];
      try {
        for await (const chunk of readFileBlocks(root, loadWith(AbortSignal.any(signals)), offset)) {
          digest?.update(chunk);
          yield chunk;
        }
      } finally {
        reading.abort();
      }
      if (sha256 !== undefined && `0x${digest?.digest("hex")}` !== sha256) throw otherSha256(cid, sha256);
    },
  };
}

/** Refuses more blocks than the largest file that may be read needs. */
function budgeted(cid: string, maxBytes: number, load: LoadBlock): LoadBlock {
  let blocks = Math.ceil(maxBytes / MIN_CHUNK_BYTES) + FREE_BLOCKS;
  return async (part) => {
    blocks -= 1;
    if (blocks < 0) throw new ContentError("too-large", `The file ${cid} has more blocks than its bytes need.`);
    return load(part);
  };
}

function otherSha256(cid: string, sha256: string): ContentError {
  return new ContentError("corrupt", `The file ${cid} does not have the sha256 ${sha256}.`);
}

function joined(chunks: readonly Uint8Array[]): Uint8Array {
  const [only] = chunks;
  if (chunks.length === 1 && only !== undefined) return only;
  const bytes = new Uint8Array(chunks.reduce((length, chunk) => length + chunk.length, 0));
  let offset = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, offset);
    offset += chunk.length;
  }
  return bytes;
}

import { importByteStream, type WritableStorage } from "ipfs-unixfs-importer";
import { balanced } from "ipfs-unixfs-importer/layout";
import { CID } from "multiformats/cid";
import { pMapIterable } from "p-map";
import { codecOfCid } from "../../../records/index.js";
import { cidOfBlock } from "../cid.js";
import { type AbortOptions, type ContentStore, MAX_BLOCK_BYTES, type StoredFile } from "../content.js";
import { type HashThreads, hashHere, MIN_THREADED_BYTES } from "../hashing/fileHashing.js";
import { BlockBuffers } from "./blockBuffers.js";

/** Links of one inner node. It changes CIDs, as the chunk size does: both are those of the profile unixfs-v1-2025. */
export const MAX_CHILDREN = 1024;
/** Blocks that are hashed and written at once: what one waits for, such as a sync, another uses. */
export const WRITE_CONCURRENCY = 16;
/** Chunks that the hash of the file is ahead of the hashes of blocks. */
const HASHED_AHEAD = 4;

/** Where the blocks of a file go. */
export interface FileTarget extends Pick<ContentStore, "put"> {
  /** A store on this machine, which takes leaves whose hash is known: its large files are hashed on other threads. */
  readonly local?: {
    readonly threads: HashThreads;
    /** Resolves to the CID once the block is on the disk; until then nobody may change its bytes. */
    putLeaf(bytes: Uint8Array, digest: Uint8Array): Promise<string>;
  };
}

/** Stores a file over any store's blocks. Chunking changes the CID, so it is fixed here. */
export async function putFile(
  { put, local }: FileTarget,
  source: Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
  options: AbortOptions = {},
): Promise<StoredFile> {
  let bytes = 0;
  async function* counted(): AsyncGenerator<Uint8Array> {
    for await (const piece of source) {
      options.signal?.throwIfAborted();
      bytes += piece.length;
      yield piece;
    }
  }
  const blocks: WritableStorage = {
    async put(cid, value) {
      if (!(value instanceof Uint8Array)) throw new TypeError(`The block ${cid} is not in one piece`);
      return CID.parse(await put(value, { codec: codecOfCid(cid.toString()), ...options }));
    },
  };
  const buffers = new BlockBuffers();
  const { head, all } = await startOf(chunksOf(counted(), buffers), MIN_THREADED_BYTES / MAX_BLOCK_BYTES);
  const threaded = head === MIN_THREADED_BYTES / MAX_BLOCK_BYTES ? local : undefined;
  const hashing = threaded?.threads.use() ?? hashHere();
  async function putLeaf(chunk: Uint8Array): Promise<CID> {
    if (threaded === undefined) {
      const cid = await put(chunk, { codec: "raw", ...options });
      buffers.give(chunk);
      return CID.parse(cid);
    }
    const hashed = await hashing.block(chunk);
    const cid = await threaded.putLeaf(hashed.bytes, hashed.digest);
    buffers.give(hashed.bytes);
    return CID.parse(cid);
  }
  /** Leaves get their CIDs from the store, which computes them anyway: the importer would hash each a second time. */
  async function* leaves({ content }: { content: AsyncIterable<Uint8Array> }) {
    for await (const chunk of content) {
      const size = BigInt(chunk.length);
      yield async () => ({ cid: await putLeaf(chunk), size, block: NOT_KEPT });
    }
  }
  try {
    const hashed = pMapIterable(all, (chunk) => hashing.piece(chunk), { concurrency: HASHED_AHEAD });
    const { cid } = await importByteStream(hashed, blocks, {
      bufferImporter: leaves,
      cidVersion: 1,
      rawLeaves: true,
      reduceSingleLeafToSelf: true,
      chunker: (chunks) => chunks,
      layout: balanced({ maxChildrenPerNode: MAX_CHILDREN }),
      blockWriteConcurrency: WRITE_CONCURRENCY,
    });
    return { cid: cid.toString(), bytes, sha256: await hashing.sha256() };
  } finally {
    await hashing.release();
  }
}

/** The importer reads a leaf's bytes only to give it a time or a mode, which files here have not. */
const NOT_KEPT = new Uint8Array();

/** Cuts a stream into chunks of one block each; one chunk without bytes if the stream is empty. */
async function* chunksOf(pieces: AsyncIterable<Uint8Array>, buffers: BlockBuffers): AsyncGenerator<Uint8Array> {
  let chunk: Uint8Array | undefined;
  let filled = 0;
  let isEmpty = true;
  for await (const piece of pieces) {
    for (let at = 0; at < piece.length; ) {
      chunk ??= buffers.take().subarray(0, MAX_BLOCK_BYTES);
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

/** Reads the first chunks, `count` at most; resolves to how many there are, and to all chunks with these. */
async function startOf(chunks: AsyncGenerator<Uint8Array>, count: number) {
  const first: Uint8Array[] = [];
  while (first.length < count) {
    const { value, done } = await chunks.next();
    if (done === true) break;
    first.push(value);
  }
  async function* all(): AsyncGenerator<Uint8Array> {
    yield* first;
    yield* chunks;
  }
  return { head: first.length, all: all() };
}

/** The CID that a file has here, without storing it. */
export async function fileCidOf(source: AsyncIterable<Uint8Array>): Promise<string> {
  const { cid } = await putFile({ put: async (bytes, { codec } = {}) => cidOfBlock(bytes, codec) }, source);
  return cid;
}

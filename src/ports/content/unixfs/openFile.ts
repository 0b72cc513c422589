import type { CID } from "multiformats/cid";
import * as raw from "multiformats/codecs/raw";
import { pMapIterable } from "p-map";
import { InvalidInputError } from "../../../errors.js";
import { parseCid } from "../cid.js";
import {
  type ContentStore,
  DEFAULT_MAX_STREAM_BYTES,
  DEFAULT_TIMEOUT_MS,
  type OpenFile,
  type OpenFileOptions,
  type ReadFileOptions,
} from "../content.js";
import { type FileHashing, type HashThreads, hashHere, MIN_THREADED_BYTES } from "../hashing/fileHashing.js";
import { BlockBuffers } from "./blockBuffers.js";
import { budgeted, otherSha256 } from "./budget.js";
import { type LoadBlock, readFileBlocks, readFileRoot } from "./fileReader.js";

/** Chunks that the hash of the file is ahead of the reader. */
const HASHED_AHEAD = 4;

/** Where the blocks of a file come from. */
export interface FileOrigin extends Pick<ContentStore, "get"> {
  /** A store on this machine: its large files are hashed on other threads, and read into buffers that are used again. */
  readonly local?: {
    readonly threads: HashThreads;
    /**
     * The block, checked, if it is a file of the store and whole; it is in the buffer, or in the one that `block` made of
     * it. Undefined otherwise: `get` finds out why.
     */
    readLeaf(cid: CID, buffer: Uint8Array, block: FileHashing["block"]): Promise<Uint8Array | undefined>;
  };
}

/** Opens a file over any store's blocks, to read it as a stream: a deadline for each block, one budget for all. */
export async function openFile(
  { get, local }: FileOrigin,
  cid: string,
  { maxBytes = DEFAULT_MAX_STREAM_BYTES, timeoutMs = DEFAULT_TIMEOUT_MS, signal, providers }: OpenFileOptions = {},
): Promise<OpenFile> {
  const blockOptions = { timeoutMs, ...(providers ? { providers } : {}) };
  const loadWith =
    (inner: AbortSignal | undefined): LoadBlock =>
    (part) =>
      get(part.toString(), { ...blockOptions, ...(inner === undefined ? {} : { signal: inner }) });
  const root = await readFileRoot(parseCid(cid), budgeted(cid, maxBytes, loadWith(signal)), maxBytes);

  async function* read({ offset = 0, sha256, reuse = false, signal: ending }: ReadFileOptions = {}) {
    if (!Number.isSafeInteger(offset) || offset < 0 || offset > root.bytes) {
      throw new InvalidInputError(`The file ${cid} is read from 0 to ${root.bytes} bytes, not from ${offset}`);
    }
    if (offset > 0 && sha256 !== undefined) {
      throw new InvalidInputError("The sha256 of a file can be checked only where it is read from its beginning");
    }
    // Ends the loads that run ahead, however the reading ends.
    const reading = new AbortController();
    const both = AbortSignal.any([reading.signal, ...(signal ? [signal] : []), ...(ending ? [ending] : [])]);
    const threaded = root.bytes - offset >= MIN_THREADED_BYTES ? local : undefined;
    const hashing = threaded?.threads.use() ?? hashHere();
    const buffers = new BlockBuffers();
    /** Buffers that nobody else has: what other readers may hold is not sent to a thread, nor used again. */
    const own = new WeakSet<object>();
    const owned = (chunk: Uint8Array) => {
      own.add(chunk.buffer);
      return chunk;
    };
    const fromStore = loadWith(both);
    const load: LoadBlock = async (part) => {
      // Links are read out of other blocks, whose bytes must stay.
      if (threaded === undefined || part.code !== raw.code) return fromStore(part);
      both.throwIfAborted();
      const leaf = await threaded.readLeaf(part, buffers.take(), hashing.block);
      return leaf === undefined ? fromStore(part) : owned(leaf);
    };
    const hash = async (chunk: Uint8Array) => {
      if (threaded === undefined) return hashing.piece(chunk);
      return owned(await hashing.piece(own.has(chunk.buffer) ? chunk : chunk.slice()));
    };
    try {
      const chunks = readFileBlocks(root, budgeted(cid, maxBytes, load), offset);
      const hashed = sha256 === undefined ? chunks : pMapIterable(chunks, hash, { concurrency: HASHED_AHEAD });
      for await (const chunk of hashed) {
        yield chunk;
        if (reuse && own.has(chunk.buffer)) buffers.give(chunk);
      }
      if (sha256 !== undefined && (await hashing.sha256()) !== sha256) throw otherSha256(cid, sha256);
    } finally {
      reading.abort();
      await hashing.release();
    }
  }
  return { cid, bytes: root.bytes, read };
}

import { createHash } from "node:crypto";
import { exporter, type ReadableStorage } from "ipfs-unixfs-exporter";
import { importByteStream, type WritableStorage } from "ipfs-unixfs-importer";
import { fixedSize } from "ipfs-unixfs-importer/chunker";
import { balanced } from "ipfs-unixfs-importer/layout";
import { CID } from "multiformats/cid";
import { codecOfCid } from "../../records/index.js";
import { parseCid, sha256Of } from "./cid.js";
import {
  type AbortOptions,
  ContentError,
  type ContentStore,
  DEFAULT_FILE_TIMEOUT_MS,
  DEFAULT_MAX_FILE_BYTES,
  type GetFileOptions,
  MAX_BLOCK_BYTES,
  type StoredFile,
} from "./content.js";
import { within } from "./deadline.js";

/** Links of one inner node. Part of the CID, as the chunk size is: both are those of the profile unixfs-v1-2025. */
const MAX_CHILDREN = 1024;
/** Blocks on their way at once: enough to hide the way, few enough to hold in memory. */
const CONCURRENCY = 8;
/** Inner nodes and framing above the content itself: each link takes under 64 bytes of a chunk of 1 KiB or more. */
const OVERHEAD = 1.1;
/** A file may be cut into chunks as small as this, on average, before its reading is given up. */
const MIN_CHUNK_BYTES = 1024;
/** The small files that the rule above would not let have a root. */
const FREE_BLOCKS = 16;

/** Stores a file over any store's blocks. Chunking is part of the CID, so it is fixed here. */
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
  const { cid } = await importByteStream(counted(), blocks, {
    cidVersion: 1,
    rawLeaves: true,
    reduceSingleLeafToSelf: true,
    chunker: fixedSize({ chunkSize: MAX_BLOCK_BYTES }),
    layout: balanced({ maxChildrenPerNode: MAX_CHILDREN }),
    blockWriteConcurrency: CONCURRENCY,
  });
  return { cid: cid.toString(), bytes, sha256: `0x${digest.digest("hex")}` };
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
    const deadline = performance.now() + timeoutMs;
    const budget = createBudget(cid, maxBytes);
    const blocks: ReadableStorage = {
      async *get(part) {
        const block = await store.get(part.toString(), {
          timeoutMs: Math.max(1, deadline - performance.now()),
          signal: inner,
          ...(providers === undefined ? {} : { providers }),
        });
        budget.spend(block);
        yield block;
      },
    };
    try {
      return await assemble(root, blocks, maxBytes, sha256);
    } catch (error) {
      throw asContentError(error, cid);
    }
  });
}

async function assemble(
  root: CID,
  blocks: ReadableStorage,
  maxBytes: number,
  sha256: string | undefined,
): Promise<Uint8Array> {
  const entry = await exporter(root, blocks);
  if (entry.type !== "file" && entry.type !== "raw") {
    throw new ContentError("invalid-cid", `${root} is the CID of no file but of a ${entry.type}.`);
  }
  if (entry.size > BigInt(maxBytes)) {
    throw new ContentError("too-large", `The file ${root} has ${entry.size} bytes, over the limit of ${maxBytes}.`);
  }
  // Collected rather than allocated at once: the size is a claim until the bytes are here.
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of entry.content({ blockReadConcurrency: CONCURRENCY })) {
    length += chunk.length;
    if (length > maxBytes) throw new ContentError("too-large", `The file ${root} is over the limit of ${maxBytes}.`);
    chunks.push(chunk);
  }
  const bytes = joined(chunks, length);
  if (BigInt(length) !== entry.size) throw new ContentError("corrupt", `The file ${root} is not as long as it says.`);
  if (sha256 !== undefined && sha256 !== sha256Of(bytes)) {
    throw new ContentError("corrupt", `The file ${root} does not have the sha256 ${sha256}.`);
  }
  return bytes;
}

/** Refuses a DAG that makes a reader fetch much more than the file that comes out of it. */
function createBudget(cid: string, maxBytes: number): { spend(block: Uint8Array): void } {
  let bytes = maxBytes * OVERHEAD + MAX_BLOCK_BYTES;
  let blocks = Math.ceil(maxBytes / MIN_CHUNK_BYTES) + FREE_BLOCKS;
  return {
    spend(block) {
      bytes -= block.length;
      blocks -= 1;
      if (bytes >= 0 && blocks >= 0) return;
      throw new ContentError("too-large", `The file ${cid} takes more blocks than ${maxBytes} bytes need.`);
    },
  };
}

function joined(chunks: readonly Uint8Array[], length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  let offset = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, offset);
    offset += chunk.length;
  }
  return bytes;
}

function asContentError(error: unknown, cid: string): unknown {
  // The exporter wraps what the reading of a block threw.
  for (let each = error; each instanceof Error; each = each.cause) if (each instanceof ContentError) return each;
  if (error instanceof Error && error.name === "AbortError") return error;
  return new ContentError("corrupt", `The file ${cid} cannot be put together.`, { cause: error });
}

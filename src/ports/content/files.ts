import { createHash } from "node:crypto";
import { exporter } from "ipfs-unixfs-exporter";
import { importByteStream } from "ipfs-unixfs-importer";
import { fixedSize } from "ipfs-unixfs-importer/chunker";
import { CID } from "multiformats/cid";
import type { Hex } from "../../records/index.js";
import { parseCid } from "./cid.js";
import {
  type AbortOptions,
  ContentError,
  type ContentStore,
  DEFAULT_MAX_FILE_BYTES,
  DEFAULT_TIMEOUT_MS,
  type GetFileOptions,
  MAX_BLOCK_BYTES,
  type StoredFile,
} from "./content.js";

type Blocks = Pick<ContentStore, "put" | "get">;
const CodecNames = new Map([
  [0x55, "raw"],
  [0x70, "dag-pb"],
] as const);

/** Stores a file over any store's blocks. Chunking is part of the CID, so it is pinned here. */
export async function putFile(
  store: Pick<Blocks, "put">,
  source: Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
  options: AbortOptions = {},
): Promise<StoredFile> {
  const digest = createHash("sha256");
  let bytes = 0;
  async function* counted() {
    for await (const chunk of source) {
      options.signal?.throwIfAborted();
      digest.update(chunk);
      bytes += chunk.length;
      yield chunk;
    }
  }
  const blocks = {
    async put(cid: CID, value: Uint8Array | Iterable<Uint8Array> | AsyncIterable<Uint8Array>): Promise<CID> {
      const codec = CodecNames.get(cid.code as 0x55 | 0x70);
      if (codec === undefined || !(value instanceof Uint8Array)) throw new TypeError(`unexpected block ${cid}`);
      return CID.parse(await store.put(value, { codec, ...options }));
    },
  };
  const { cid } = await importByteStream(counted(), blocks, {
    cidVersion: 1,
    rawLeaves: true,
    reduceSingleLeafToSelf: true,
    chunker: fixedSize({ chunkSize: MAX_BLOCK_BYTES }),
  });
  return { cid: cid.toString(), bytes, sha256: `0x${digest.digest("hex")}` };
}

/** Reads a whole file over any store's blocks, within its bounds. */
export async function getFile(
  store: Pick<Blocks, "get">,
  cid: string,
  options: GetFileOptions = {},
): Promise<Uint8Array> {
  const { maxBytes = DEFAULT_MAX_FILE_BYTES, timeoutMs = DEFAULT_TIMEOUT_MS, sha256, signal } = options;
  const deadline = Date.now() + timeoutMs;
  const blocks = {
    async *get(part: CID) {
      const rest = deadline - Date.now();
      if (rest <= 0) throw new ContentError("timeout", `The file ${cid} did not arrive within ${timeoutMs} ms.`);
      yield await store.get(part.toString(), { timeoutMs: rest, ...(signal ? { signal } : {}) });
    },
  };
  const entry = await exporter(parseCid(cid), blocks).catch((error: unknown) => {
    throw asContentError(error, cid);
  });
  if (entry.type !== "file" && entry.type !== "raw") {
    throw new ContentError("corrupt", `${cid} is not a file but a ${entry.type}.`);
  }
  const size = Number(entry.size);
  if (size > maxBytes)
    throw new ContentError("too-large", `The file ${cid} has ${size} bytes, over the limit of ${maxBytes}.`);
  const bytes = new Uint8Array(size);
  let filled = 0;
  try {
    for await (const chunk of entry.content({ blockReadConcurrency: 4 })) {
      if (filled + chunk.length > size) throw new ContentError("too-large", `The file ${cid} is longer than it says.`);
      bytes.set(chunk, filled);
      filled += chunk.length;
    }
  } catch (error) {
    throw asContentError(error, cid);
  }
  const actual: Hex = `0x${createHash("sha256").update(bytes).digest("hex")}`;
  if (filled !== size || (sha256 !== undefined && sha256 !== actual)) {
    throw new ContentError("corrupt", `The file ${cid} does not have the length or the sha256 that it should have.`);
  }
  return bytes;
}

function asContentError(error: unknown, cid: string): unknown {
  // The exporter wraps what a block's reading threw.
  for (let each = error; each instanceof Error; each = each.cause) if (each instanceof ContentError) return each;
  if (error instanceof DOMException) return error;
  return new ContentError("corrupt", `The file ${cid} cannot be put together.`, { cause: error });
}

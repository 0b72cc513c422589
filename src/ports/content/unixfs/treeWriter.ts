import { createHash } from "node:crypto";
import { importer, type WritableStorage } from "ipfs-unixfs-importer";
import { fixedSize } from "ipfs-unixfs-importer/chunker";
import { balanced } from "ipfs-unixfs-importer/layout";
import { CID } from "multiformats/cid";
import { InvalidInputError } from "../../../errors.js";
import { bundlePathProblem } from "../../../records/bundleListing.js";
import { codecOfCid, type Hex } from "../../../records/index.js";
import {
  type AbortOptions,
  type ContentStore,
  MAX_BLOCK_BYTES,
  type StoredTree,
  type TreeFileSource,
} from "../content.js";
import { MAX_CHILDREN, WRITE_CONCURRENCY } from "./putFile.js";

/** Of a file that may be run; other files have no mode, so that a small one is its only block. */
const EXECUTABLE_MODE = 0o755;

/**
 * Stores files as one UnixFS directory over any store's blocks: {@link ContentStore.putTree} says the rest. Chunks are those of
 * `putFile`, so that the same file has the same blocks; folders of more than 256 KiB are sharded, as the importer does.
 *
 * @throws {InvalidInputError} if a path is refused or comes twice.
 */
export async function putTree(
  store: Pick<ContentStore, "put">,
  files: Iterable<TreeFileSource>,
  { signal }: AbortOptions = {},
): Promise<StoredTree> {
  const abort = signal === undefined ? {} : { signal };
  const blocks: WritableStorage = {
    async put(cid, value) {
      if (!(value instanceof Uint8Array)) throw new TypeError(`The block ${cid} is not in one piece`);
      return CID.parse(await store.put(value, { codec: codecOfCid(cid.toString()), ...abort }));
    },
  };
  const stored = new Map<string, { readonly bytes: number; readonly sha256: Hex; readonly isExecutable: boolean }>();
  async function* hashed({ content, isExecutable, path }: TreeFileSource): AsyncGenerator<Uint8Array> {
    const digest = createHash("sha256");
    let bytes = 0;
    for await (const chunk of content()) {
      signal?.throwIfAborted();
      digest.update(chunk);
      bytes += chunk.length;
      yield chunk;
    }
    stored.set(path, { bytes, sha256: `0x${digest.digest("hex")}`, isExecutable });
  }
  const paths = new Set<string>();
  function* candidates() {
    for (const file of files) {
      const problem = paths.has(file.path) ? "is named twice" : bundlePathProblem(file.path);
      if (problem !== undefined) throw new InvalidInputError(`The path ${JSON.stringify(file.path)} ${problem}.`);
      paths.add(file.path);
      yield { path: file.path, content: hashed(file), ...(file.isExecutable ? { mode: EXECUTABLE_MODE } : {}) };
    }
  }
  let root: CID | undefined;
  for await (const { cid } of importer(candidates(), blocks, {
    cidVersion: 1,
    rawLeaves: true,
    reduceSingleLeafToSelf: true,
    wrapWithDirectory: true,
    chunker: fixedSize({ chunkSize: MAX_BLOCK_BYTES }),
    layout: balanced({ maxChildrenPerNode: MAX_CHILDREN }),
    fileImportConcurrency: WRITE_CONCURRENCY,
    blockWriteConcurrency: WRITE_CONCURRENCY,
  })) {
    root = cid;
  }
  if (root === undefined || stored.size === 0) throw new InvalidInputError("A tree without files cannot be stored.");
  const all = [...stored].map(([path, file]) => ({ path, ...file }));
  return { cid: root.toString(), bytes: all.reduce((sum, { bytes }) => sum + bytes, 0), files: all };
}

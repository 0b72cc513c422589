import { decode } from "@ipld/dag-pb";
import { UnixFS } from "ipfs-unixfs";
import type { CID } from "multiformats/cid";
import { pMapIterable } from "p-map";
import { bundlePathProblem } from "../../../records/bundleListing.js";
import { codecOfCid } from "../../../records/index.js";
import { parseCid } from "../cid.js";
import {
  ContentError,
  type ContentStore,
  DEFAULT_MAX_STREAM_BYTES,
  DEFAULT_MAX_TREE_FILES,
  DEFAULT_TIMEOUT_MS,
  type OpenTreeOptions,
  type TreeFile,
} from "../content.js";
import { budgeted } from "./budget.js";
import { type FileRoot, type LoadBlock, readFileBlocks, readFileRoot } from "./fileReader.js";

/** Roots of files that are loaded ahead: small files are one block each, and each would else cost a round trip. */
const FILES_AHEAD = 16;
/** Folders of one folder that are loaded ahead. */
const FOLDERS_AHEAD = 8;
/** Levels of folders, and of the shards of a folder. */
const MAX_DEPTH = 32;
/** Entries for each file that is allowed: folders and shards count too. */
const ENTRIES_PER_FILE = 4;
const FREE_ENTRIES = 64;

/** A file of a tree before its size is known. */
interface FoundFile {
  readonly path: string;
  readonly cid: CID;
}

interface Entry {
  readonly name: string;
  readonly cid: CID;
}

/** What a block that is not a leaf stands for. */
type Node =
  | { readonly isFolder: false; readonly isExecutable: boolean }
  | { readonly isFolder: true; entries: Entry[] };

/**
 * The files of a UnixFS directory over any store's blocks, folder by folder: {@link ContentStore.openTree} says the rest. A
 * folder may be one block or sharded (https://specs.ipfs.tech/unixfs/).
 */
export async function* openTree(
  store: Pick<ContentStore, "get">,
  cid: string,
  options: OpenTreeOptions = {},
): AsyncGenerator<TreeFile> {
  const { maxBytes = DEFAULT_MAX_STREAM_BYTES, maxFiles = DEFAULT_MAX_TREE_FILES } = options;
  const { only = () => true, providers, signal, timeoutMs = DEFAULT_TIMEOUT_MS } = options;
  const loadWith = (ending: AbortSignal): LoadBlock => {
    const all = signal === undefined ? ending : AbortSignal.any([signal, ending]);
    return (part) => store.get(part.toString(), { timeoutMs, signal: all, ...(providers ? { providers } : {}) });
  };
  // Ends the loads that run ahead, however the reading ends.
  const reading = new AbortController();
  const load = loadWith(reading.signal);
  const found = findFiles(parseCid(cid), load, maxFiles);
  const open = async (file: FoundFile & { isExecutable: boolean }) =>
    only(file.path) ? { ...file, root: await readFileRoot(file.cid, load, maxBytes) } : undefined;
  let [bytes, files] = [0, 0];
  try {
    for await (const file of pMapIterable(found, open, { concurrency: FILES_AHEAD, backpressure: FILES_AHEAD })) {
      files += 1;
      if (files > maxFiles) throw new ContentError("too-large", `The tree ${cid} has more than ${maxFiles} files.`);
      if (file === undefined) continue;
      const { isExecutable, path, root } = file;
      bytes += root.bytes;
      if (bytes > maxBytes) throw new ContentError("too-large", `The tree ${cid} has more than ${maxBytes} bytes.`);
      yield { path, bytes: root.bytes, isExecutable, read: () => readFile(file.cid, root, loadWith) };
    }
  } finally {
    reading.abort();
  }
}

async function* readFile(
  cid: CID,
  root: FileRoot,
  loadWith: (ending: AbortSignal) => LoadBlock,
): AsyncGenerator<Uint8Array> {
  const reading = new AbortController();
  try {
    yield* readFileBlocks(root, budgeted(`${cid}`, root.bytes, loadWith(reading.signal)));
  } finally {
    reading.abort();
  }
}

async function* findFiles(
  root: CID,
  load: LoadBlock,
  maxFiles: number,
): AsyncGenerator<FoundFile & { isExecutable: boolean }> {
  let left = maxFiles * ENTRIES_PER_FILE + FREE_ENTRIES;
  const take = (entries: readonly Entry[]) => {
    left -= entries.length;
    if (left < 0) throw new ContentError("too-large", `The tree ${root} has more entries than ${maxFiles} files need.`);
  };
  const node = await readNode(root, load, take);
  if (!node.isFolder) throw new ContentError("invalid-cid", `${root} is not the CID of a directory.`);
  yield* walk(node.entries, "", 0);

  async function* walk(entries: readonly Entry[], folder: string, depth: number): ReturnType<typeof findFiles> {
    if (depth >= MAX_DEPTH) throw new ContentError("too-large", `The tree ${root} is nested deeper than ${MAX_DEPTH}.`);
    take(entries);
    const names = new Set<string>();
    for (const { name } of entries) {
      const problem = name.includes("/") ? "holds a slash" : bundlePathProblem(folder + name);
      if (problem !== undefined) throw refused(root, folder + name, problem);
      if (names.has(name)) throw refused(root, folder + name, "is named twice");
      names.add(name);
    }
    const readEntry = async ({ cid, name }: Entry) => {
      const path = folder + name;
      // A leaf is a file, whose bytes are loaded when it is opened.
      if (codecOfCid(`${cid}`) === "raw") return { path, cid, isFolder: false, isExecutable: false } as const;
      return { path, cid, ...(await readNode(cid, load, take, path)) };
    };
    const options = { concurrency: FOLDERS_AHEAD, backpressure: FOLDERS_AHEAD };
    for await (const entry of pMapIterable(entries, readEntry, options)) {
      if (entry.isFolder) yield* walk(entry.entries, `${entry.path}/`, depth + 1);
      else yield { path: entry.path, cid: entry.cid, isExecutable: entry.isExecutable };
    }
  }
}

/** @throws {ContentError} `invalid-cid` if the block is neither a file nor a directory, such as a symbolic link. */
async function readNode(
  cid: CID,
  load: LoadBlock,
  take: (entries: readonly Entry[]) => void,
  path = "",
  depth = 0,
): Promise<Node> {
  if (codecOfCid(`${cid}`) !== "dag-pb") throw refused(cid, path, "is not UnixFS");
  const { links, unixfs } = unmarshal(cid, await load(cid));
  if (unixfs.type === "file" || unixfs.type === "raw")
    return { isFolder: false, isExecutable: ((unixfs.mode ?? 0) & 0o111) !== 0 };
  if (unixfs.type === "directory") return { isFolder: true, entries: links };
  if (unixfs.type !== "hamt-sharded-directory") throw refused(cid, path, `is a ${unixfs.type}`);
  if (depth >= MAX_DEPTH)
    throw new ContentError("too-large", `The folder ${path} is sharded deeper than ${MAX_DEPTH}.`);
  // Each name begins with its place in the shard, which is the whole name of a shard below.
  const prefix = ((unixfs.fanout ?? 256n) - 1n).toString(16).length;
  const entries: Entry[] = [];
  for (const { cid: below, name } of links) {
    if (name.length > prefix) entries.push({ name: name.slice(prefix), cid: below });
    else {
      take(links);
      const shard = await readNode(below, load, take, path, depth + 1);
      if (!shard.isFolder) throw refused(below, path, "is sharded into what is no directory");
      entries.push(...shard.entries);
    }
  }
  return { isFolder: true, entries };
}

function unmarshal(cid: CID, block: Uint8Array): { links: Entry[]; unixfs: UnixFS } {
  try {
    const { Data, Links } = decode(block);
    const links = Links.map(({ Hash, Name }) => ({ name: Name ?? "", cid: Hash }));
    // The text of the CID is checked: one of another hash is refused here, and not by the driver.
    for (const each of links) parseCid(each.cid.toString());
    return { links, unixfs: UnixFS.unmarshal(Data ?? new Uint8Array()) };
  } catch (cause) {
    if (cause instanceof ContentError) throw cause;
    throw new ContentError("invalid-cid", `The block ${cid} is not part of a directory.`, { cause });
  }
}

function refused(cid: CID, path: string, problem: string): ContentError {
  return new ContentError("invalid-cid", `The tree ${cid} is refused: ${JSON.stringify(path)} ${problem}.`);
}

import { decode } from "@ipld/dag-pb";
import { UnixFS } from "ipfs-unixfs";
import type { CID } from "multiformats/cid";
import { pMapIterable } from "p-map";
import { codecOfCid } from "../../../records/index.js";
import { ContentError } from "../content.js";

/** Resolves to the verified block of a CID. */
export type LoadBlock = (cid: CID) => Promise<Uint8Array>;

interface FileLink {
  readonly cid: CID;
  /** Bytes of the file that the link stands for. */
  readonly size: bigint;
}

interface FileNode {
  readonly data: Uint8Array;
  readonly links: readonly FileLink[];
  readonly size: bigint;
}

/** Blocks loaded ahead: enough to hide the round trip, few enough to hold in memory. */
const READ_AHEAD = 8;
/** Levels above the leaves. A file of 1 TiB in chunks of 1 KiB with 174 links a node has 6. */
const MAX_DEPTH = 12;

/** The root node of a file whose size is within the limit. */
export interface FileRoot {
  readonly bytes: number;
  readonly node: FileNode;
}

/**
 * The root of a UnixFS file. (https://specs.ipfs.tech/unixfs/)
 *
 * Not ipfs-unixfs-exporter: if several of its reads fail at once, all but the first are unhandled rejections, which end a
 * Node process.
 *
 * @throws {ContentError} `invalid-cid` if the root is not a file, `too-large` over `maxBytes`, `corrupt` otherwise, and
 * what `load` throws.
 */
export async function readFileRoot(root: CID, load: LoadBlock, maxBytes: number): Promise<FileRoot> {
  const node = parse(root, await load(root));
  if (typeof node === "string")
    throw new ContentError("invalid-cid", `${root} is not the CID of a file but of a ${node}.`);
  if (node.size > BigInt(maxBytes)) {
    throw new ContentError("too-large", `The file ${root} has ${node.size} bytes, over the limit of ${maxBytes}.`);
  }
  return { bytes: Number(node.size), node };
}

/**
 * The bytes of a file from `offset` on, in order. Every node must hold exactly as many bytes as its parent says, so that no
 * block is loaded that is not part of the file, and all readers see the same file. Blocks before `offset` are not loaded.
 *
 * @throws {ContentError} `corrupt`, and what `load` throws.
 */
export function readFileBlocks({ node }: FileRoot, load: LoadBlock, offset = 0): AsyncGenerator<Uint8Array> {
  return walk(node, load, BigInt(offset), 0);
}

async function* walk(node: FileNode, load: LoadBlock, offset: bigint, depth: number): AsyncGenerator<Uint8Array> {
  let skip = offset;
  if (node.data.length > 0) {
    if (skip < node.data.length) yield skip === 0n ? node.data : node.data.subarray(Number(skip));
    skip = skip > node.data.length ? skip - BigInt(node.data.length) : 0n;
  }
  const links: FileLink[] = [];
  for (const link of node.links) {
    if (links.length === 0 && skip >= link.size) skip -= link.size;
    else links.push(link);
  }
  const loadNode = async ({ cid, size }: FileLink) => {
    const parsed = parse(cid, await load(cid));
    if (typeof parsed === "string" || parsed.size !== size) {
      throw new ContentError("corrupt", `The part ${cid} of a file does not hold ${size} bytes.`);
    }
    return parsed;
  };
  for await (const child of pMapIterable(links, loadNode, { concurrency: READ_AHEAD, backpressure: READ_AHEAD })) {
    if (depth >= MAX_DEPTH) throw new ContentError("corrupt", "A file is nested deeper than any importer nests.");
    yield* walk(child, load, skip, depth + 1);
    skip = 0n;
  }
}

/** The node in a block; if the block is not part of a file, the name of what it is. */
function parse(cid: CID, block: Uint8Array): FileNode | string {
  const codec = codecOfCid(cid.toString());
  if (codec === "raw") return { data: block, links: [], size: BigInt(block.length) };
  if (codec === "dag-cbor") return "record";
  if (codec === "json") return "JSON document";
  const { links, unixfs } = unmarshal(cid, block);
  if (unixfs.type !== "file" && unixfs.type !== "raw") return unixfs.type;
  // No importer writes links to empty content: they would only keep a reader busy.
  if (links.length !== unixfs.blockSizes.length || unixfs.blockSizes.includes(0n)) {
    throw new ContentError("corrupt", `The block ${cid} does not say how many bytes its links hold.`);
  }
  const sized = links.map((link, index) => ({ cid: link, size: unixfs.blockSizes[index] ?? 0n }));
  return { data: unixfs.data ?? new Uint8Array(), links: sized, size: unixfs.fileSize() };
}

function unmarshal(cid: CID, block: Uint8Array): { links: CID[]; unixfs: UnixFS } {
  try {
    const { Data, Links } = decode(block);
    return { links: Links.map(({ Hash }) => Hash), unixfs: UnixFS.unmarshal(Data ?? new Uint8Array()) };
  } catch (cause) {
    throw new ContentError("corrupt", `The block ${cid} is not part of a file.`, { cause });
  }
}

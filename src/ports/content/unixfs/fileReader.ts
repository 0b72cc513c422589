import { decode } from "@ipld/dag-pb";
import { UnixFS } from "ipfs-unixfs";
import type { CID } from "multiformats/cid";
import { codecOfCid } from "../../../records/index.js";
import { ContentError } from "../content.js";

/** Gives the verified block of a CID. */
export type LoadBlock = (cid: CID) => Promise<Uint8Array>;

interface Part {
  readonly cid: CID;
  /** Bytes of content below it. */
  readonly size: bigint;
}

interface Node {
  readonly data: Uint8Array;
  readonly parts: readonly Part[];
  readonly size: bigint;
}

/** Blocks on their way at once: enough to hide the way, few enough to hold in memory. */
const CONCURRENCY = 8;
/** Levels above the leaves. A file of 1 TiB in chunks of 1 KiB with 174 links a node has 6. */
const MAX_DEPTH = 12;

/** The root of a file, whose size was checked against the limit. */
export interface FileRoot {
  readonly bytes: number;
  readonly node: Node;
}

/**
 * The root of a UnixFS file. (https://specs.ipfs.tech/unixfs/)
 *
 * Not ipfs-unixfs-exporter: where several of its reads fail at once, all but the first are rejections that nobody
 * handles, which end a Node process.
 *
 * @throws {ContentError} `invalid-cid` where the root is no file, `too-large` over `maxBytes`, `corrupt` otherwise, and
 * what `load` throws.
 */
export async function readFileRoot(root: CID, load: LoadBlock, maxBytes: number): Promise<FileRoot> {
  const node = parse(root, await load(root));
  if (typeof node === "string")
    throw new ContentError("invalid-cid", `${root} is the CID of no file but of a ${node}.`);
  if (node.size > BigInt(maxBytes)) {
    throw new ContentError("too-large", `The file ${root} has ${node.size} bytes, over the limit of ${maxBytes}.`);
  }
  return { bytes: Number(node.size), node };
}

/**
 * The bytes of a file from `offset` on, in order. Every node must hold exactly as many bytes as the node above it says, so
 * that nothing is read that does not end up in the file, and all readers see one file. What lies before `offset` is not
 * loaded.
 *
 * @throws {ContentError} `corrupt`, and what `load` throws.
 */
export function readFileBlocks({ node }: FileRoot, load: LoadBlock, offset = 0): AsyncGenerator<Uint8Array> {
  return walk(node, load, BigInt(offset), 0);
}

async function* walk(node: Node, load: LoadBlock, offset: bigint, depth: number): AsyncGenerator<Uint8Array> {
  let skip = offset;
  if (node.data.length > 0) {
    if (skip < node.data.length) yield skip === 0n ? node.data : node.data.subarray(Number(skip));
    skip = skip > node.data.length ? skip - BigInt(node.data.length) : 0n;
  }
  const parts: Part[] = [];
  for (const part of node.parts) {
    if (parts.length === 0 && skip >= part.size) skip -= part.size;
    else parts.push(part);
  }
  for await (const child of ahead(parts, async ({ cid, size }) => {
    const parsed = parse(cid, await load(cid));
    if (typeof parsed === "string" || parsed.size !== size) {
      throw new ContentError("corrupt", `The part ${cid} of a file is not the ${size} bytes that it should be.`);
    }
    return parsed;
  })) {
    if (depth >= MAX_DEPTH) throw new ContentError("corrupt", "A file is nested deeper than any importer nests.");
    yield* walk(child, load, skip, depth + 1);
    skip = 0n;
  }
}

/** What `work` gives for each item, in order, a few of them started ahead. */
async function* ahead<Item, Result>(
  items: readonly Item[],
  work: (item: Item) => Promise<Result>,
): AsyncGenerator<Result> {
  // Settled: where one fails, those started behind it may fail too, with nobody left to hear of it.
  const started: Promise<PromiseSettledResult<Result>[]>[] = [];
  for (let next = 0, taken = 0; taken < items.length; taken++) {
    for (; next < items.length && next - taken < CONCURRENCY; next++) {
      started.push(Promise.allSettled([work(items[next] as Item)]));
    }
    const [result] = (await started.shift()) ?? [];
    if (result?.status === "rejected") throw result.reason;
    if (result !== undefined) yield result.value;
  }
}

/** The node in a block, or what it is instead. */
function parse(cid: CID, block: Uint8Array): Node | string {
  const codec = codecOfCid(cid.toString());
  if (codec === "raw") return { data: block, parts: [], size: BigInt(block.length) };
  if (codec === "dag-cbor") return "record";
  if (codec === "json") return "JSON document";
  const { links, unixfs } = unmarshal(cid, block);
  if (unixfs.type !== "file" && unixfs.type !== "raw") return unixfs.type;
  // No importer links to nothing: such links are there to keep a reader busy.
  if (links.length !== unixfs.blockSizes.length || unixfs.blockSizes.includes(0n)) {
    throw new ContentError("corrupt", `The block ${cid} does not say what its links hold.`);
  }
  const parts = links.map((link, index) => ({ cid: link, size: unixfs.blockSizes[index] ?? 0n }));
  return { data: unixfs.data ?? new Uint8Array(), parts, size: unixfs.fileSize() };
}

function unmarshal(cid: CID, block: Uint8Array): { links: CID[]; unixfs: UnixFS } {
  try {
    const { Data, Links } = decode(block);
    return { links: Links.map(({ Hash }) => Hash), unixfs: UnixFS.unmarshal(Data ?? new Uint8Array()) };
  } catch (cause) {
    throw new ContentError("corrupt", `The block ${cid} is no part of a file.`, { cause });
  }
}

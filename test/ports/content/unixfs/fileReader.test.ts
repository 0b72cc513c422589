import * as dagPb from "@ipld/dag-pb";
import fc from "fast-check";
import { UnixFS, type UnixFSType } from "ipfs-unixfs";
import type { CID } from "multiformats/cid";
import { describe, expect, it } from "vitest";
import { cidOfBlock, parseCid } from "../../../../src/ports/content/cid.js";
import { readFileBlocks, readFileRoot } from "../../../../src/ports/content/unixfs/fileReader.js";
import type { BlockCodec } from "../../../../src/records/index.js";

interface Part {
  readonly cid: CID;
  /** Bytes of the file below it. */
  readonly size: number;
}

/** Blocks in memory; `loaded` are those that were read, in order. */
function blocks() {
  const held = new Map<string, Uint8Array>();
  const loaded: string[] = [];
  const put = (bytes: Uint8Array, codec: BlockCodec): CID => {
    const cid = parseCid(cidOfBlock(bytes, codec));
    held.set(`${cid}`, bytes);
    return cid;
  };
  return {
    held,
    loaded,
    put,
    leaf: (bytes: Uint8Array): Part => ({ cid: put(bytes, "raw"), size: bytes.length }),
    /** An inner node over these parts, with bytes of its own before them if `data` is given. */
    node(parts: readonly Part[], data?: Uint8Array, type: UnixFSType = "file"): Part {
      const unixfs = new UnixFS({
        type,
        blockSizes: parts.map(({ size }) => BigInt(size)),
        ...(data === undefined ? {} : { data }),
      });
      const links = parts.map(({ cid }) => ({ Name: "", Hash: cid }));
      const cid = put(dagPb.encode(dagPb.prepare({ Data: unixfs.marshal(), Links: links })), "dag-pb");
      return { cid, size: (data?.length ?? 0) + parts.reduce((sum, { size }) => sum + size, 0) };
    },
    async load(cid: CID): Promise<Uint8Array> {
      loaded.push(`${cid}`);
      const bytes = held.get(`${cid}`);
      if (bytes === undefined) throw new Error(`${cid} is gone`);
      return bytes;
    },
  };
}

type Blocks = ReturnType<typeof blocks>;

async function read({ load }: Blocks, { cid }: Part, offset = 0, maxBytes = 1_000_000): Promise<number[]> {
  const found: number[] = [];
  const root = await readFileRoot(cid, load, maxBytes);
  for await (const chunk of readFileBlocks(root, load, offset)) found.push(...chunk);
  return found;
}

/** The shape of a file: a leaf's bytes, or a node with bytes of its own and parts below it. */
type Shape = Uint8Array | { readonly data: Uint8Array; readonly below: readonly Shape[] };

const some = fc.uint8Array({ minLength: 1, maxLength: 5 });
const { shape } = fc.letrec<{ shape: Shape; inner: Shape }>((tie) => ({
  shape: fc.oneof({ maxDepth: 4 }, some, tie("inner")),
  inner: fc.record({ data: some, below: fc.array(tie("shape"), { maxLength: 3 }) }),
}));

function build(store: Blocks, shape: Shape): Part {
  if (shape instanceof Uint8Array) return store.leaf(shape);
  return store.node(
    shape.below.map((part) => build(store, part)),
    shape.data,
  );
}

function bytesIn(shape: Shape): number[] {
  return shape instanceof Uint8Array ? [...shape] : [...shape.data, ...shape.below.flatMap(bytesIn)];
}

describe("the bytes of a UnixFS file", () => {
  it("are those of its blocks in order, from any offset, whatever its shape", async () => {
    await fc.assert(
      fc.asyncProperty(shape, fc.nat(), async (shape, from) => {
        const store = blocks();
        const root = build(store, shape);
        const whole = bytesIn(shape);
        const offset = from % (whole.length + 1);
        expect((await readFileRoot(root.cid, store.load, 1_000_000)).bytes).toBe(whole.length);
        expect(await read(store, root, offset)).toEqual(whole.slice(offset));
      }),
      { numRuns: 60 },
    );
  });

  it("are read from their offset without the blocks before it", async () => {
    const store = blocks();
    const leaves = [1, 2, 3, 4].map((byte) => store.leaf(Uint8Array.of(byte, byte)));
    const [left, right] = [store.node(leaves.slice(0, 2)), store.node(leaves.slice(2))];
    const root = store.node([left, right]);
    expect(await read(store, root, 6)).toEqual([4, 4]);
    expect(store.loaded).toEqual([root.cid, right.cid, leaves[3]?.cid].map(String));
    expect(await read(store, root, 5)).toEqual([3, 4, 4]);
  });

  it("are none of an empty file, nor at a file's end", async () => {
    const store = blocks();
    expect(await read(store, store.leaf(new Uint8Array()))).toEqual([]);
    expect(await read(store, store.node([]))).toEqual([]);
    expect(await read(store, store.node([store.leaf(Uint8Array.of(1))]), 1)).toEqual([]);
  });

  it("end where a block cannot be had, with the reason", async () => {
    const store = blocks();
    const [first, gone] = [store.leaf(Uint8Array.of(1)), store.leaf(Uint8Array.of(2))];
    const root = store.node([first, gone]);
    store.held.delete(`${gone.cid}`);
    await expect(read(store, root)).rejects.toThrow(`${gone.cid} is gone`);
  });
});

describe("a reader of files", () => {
  const corrupt = { kind: "corrupt" };

  it.each<[string, BlockCodec, string]>([
    ["a record", "dag-cbor", "a record"],
    ["a JSON document", "json", "a JSON document"],
  ])("takes %s for no file", async (_, codec, what) => {
    const store = blocks();
    const cid = store.put(Uint8Array.of(0xa0), codec);
    await expect(readFileRoot(cid, store.load, 100)).rejects.toMatchObject({
      kind: "invalid-cid",
      shortMessage: `${cid} is not the CID of a file but of ${what}.`,
    });
  });

  it.each(["directory", "symlink", "hamt-sharded-directory"] as const)("takes a %s for no file", async (type) => {
    const store = blocks();
    const { cid } = store.node([], undefined, type);
    await expect(readFileRoot(cid, store.load, 100)).rejects.toMatchObject({ kind: "invalid-cid" });
    // Below a file it is damage.
    await expect(read(store, store.node([{ cid, size: 1 }]))).rejects.toMatchObject(corrupt);
  });

  it("refuses a file over the limit by what its root says, before any other block is loaded", async () => {
    const store = blocks();
    const root = store.node([store.leaf(new Uint8Array(10))]);
    expect(await read(store, root, 0, 10)).toHaveLength(10);
    store.loaded.length = 0;
    await expect(read(store, root, 0, 9)).rejects.toMatchObject({ kind: "too-large" });
    expect(store.loaded).toEqual([`${root.cid}`]);
  });

  it.each([
    ["more", 3],
    ["fewer", 1],
  ])("refuses a part of %s bytes than its node says", async (_, said) => {
    const store = blocks();
    const { cid } = store.leaf(Uint8Array.of(1, 2));
    await expect(read(store, store.node([{ cid, size: said }]))).rejects.toMatchObject(corrupt);
  });

  it("refuses a node that does not say how many bytes its links hold, or that links to nothing", async () => {
    const store = blocks();
    const { cid } = store.leaf(Uint8Array.of(1));
    const unsaid = new UnixFS({ type: "file", blockSizes: [1n] }).marshal();
    const links = [1, 2].map(() => ({ Name: "", Hash: cid }));
    const bytes = dagPb.encode(dagPb.prepare({ Data: unsaid, Links: links }));
    await expect(readFileRoot(store.put(bytes, "dag-pb"), store.load, 100)).rejects.toMatchObject(corrupt);
    const empty = store.node([store.leaf(new Uint8Array())]);
    await expect(readFileRoot(empty.cid, store.load, 100)).rejects.toMatchObject(corrupt);
  });

  it("refuses bytes that are neither dag-pb nor UnixFS", async () => {
    const store = blocks();
    const noise = store.put(Uint8Array.of(255, 255, 255), "dag-pb");
    const other = store.put(dagPb.encode(dagPb.prepare({ Data: Uint8Array.of(255, 255) })), "dag-pb");
    for (const cid of [noise, other]) {
      await expect(readFileRoot(cid, store.load, 100)).rejects.toMatchObject(corrupt);
    }
  });

  it("refuses a file that is nested deeper than any importer nests", async () => {
    const store = blocks();
    const nested = (levels: number) => {
      let part = store.leaf(Uint8Array.of(1));
      for (let level = 0; level < levels; level++) part = store.node([part]);
      return part;
    };
    expect(await read(store, nested(12))).toEqual([1]);
    await expect(read(store, nested(13))).rejects.toMatchObject(corrupt);
  });
});

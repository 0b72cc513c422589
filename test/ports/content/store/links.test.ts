import * as dagCbor from "@ipld/dag-cbor";
import * as dagPb from "@ipld/dag-pb";
import fc from "fast-check";
import type { CID } from "multiformats/cid";
import { describe, expect, it } from "vitest";
import { cidOfBlock, parseCid } from "../../../../src/ports/content/cid.js";
import { linksOf, mayLink } from "../../../../src/ports/content/store/links.js";
import type { BlockCodec } from "../../../../src/records/index.js";

const cidOf = (bytes: Uint8Array, codec: BlockCodec) => parseCid(cidOfBlock(bytes, codec));
const leaf = (byte: number): CID => cidOf(Uint8Array.of(byte), "raw");
const linksIn = (value: unknown) => {
  const bytes = dagCbor.encode(value);
  return linksOf(cidOf(bytes, "dag-cbor"), bytes).map(String).sort();
};

describe("the links of a block", () => {
  it("are every CID in a record, wherever it stands", () => {
    const plain = fc.oneof(fc.integer(), fc.string(), fc.boolean(), fc.constant(null), fc.uint8Array());
    const link = fc.integer({ min: 0, max: 255 }).map(leaf);
    const { value } = fc.letrec<{ value: unknown }>((tie) => ({
      value: fc.oneof(
        { maxDepth: 4 },
        plain,
        link,
        fc.array(tie("value"), { maxLength: 4 }),
        fc.dictionary(fc.string(), tie("value"), { maxKeys: 4, noNullPrototype: true }),
      ),
    }));
    /** Every CID in a value, by a walk that recurs. */
    const cidsIn = (value: unknown): string[] => {
      if (typeof value !== "object" || value === null || value instanceof Uint8Array) return [];
      if ("multihash" in value && "code" in value) return [`${value}`];
      return Object.values(value).flatMap(cidsIn);
    };
    fc.assert(
      fc.property(value, (value) => {
        expect(linksIn(value)).toEqual(cidsIn(value).sort());
      }),
    );
  });

  it("are found below more levels than a program nests", () => {
    const levels = 1_000;
    let value: unknown = leaf(1);
    for (let level = 0; level < levels; level++) value = level % 2 ? [value] : { value };
    expect(linksIn(value)).toEqual([`${leaf(1)}`]);
  });

  it("are not what only looks like a CID: its text, or its bytes", () => {
    expect(linksIn([`${leaf(1)}`, leaf(1).bytes, { "/": `${leaf(1)}` }])).toEqual([]);
  });

  it("are those of a node of a file, in the file's order", () => {
    const links = [3, 1, 2].map((byte) => ({ Name: "", Hash: leaf(byte) }));
    const bytes = dagPb.encode(dagPb.prepare({ Links: links }));
    expect(linksOf(cidOf(bytes, "dag-pb"), bytes).map(String)).toEqual([3, 1, 2].map((byte) => `${leaf(byte)}`));
  });

  it.each<BlockCodec>(["raw", "json"])("are none in %s, whose bytes are not even read", (codec) => {
    for (const bytes of [dagCbor.encode([leaf(1)]), Uint8Array.of(255)]) {
      expect(linksOf(cidOf(bytes, codec), bytes)).toEqual([]);
    }
    expect(mayLink(cidOf(Uint8Array.of(1), codec))).toBe(false);
  });

  it.each<BlockCodec>(["dag-cbor", "dag-pb"])("are unknown of bytes that are not %s", (codec) => {
    const noise = Uint8Array.of(255, 255, 255);
    expect(mayLink(cidOf(noise, codec))).toBe(true);
    expect(() => linksOf(cidOf(noise, codec), noise)).toThrow();
  });
});

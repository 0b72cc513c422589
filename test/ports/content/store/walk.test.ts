import * as dagCbor from "@ipld/dag-cbor";
import * as dagPb from "@ipld/dag-pb";
import { CID } from "multiformats/cid";
import { identity } from "multiformats/hashes/identity";
import { describe, expect, it } from "vitest";
import { cidOfBlock, parseCid } from "../../../../src/ports/content/cid.js";
import { linksOf, mayLink } from "../../../../src/ports/content/store/links.js";
import { walk } from "../../../../src/ports/content/store/walk.js";
import type { BlockCodec } from "../../../../src/records/index.js";
import { bytesOf } from "../contentNodes.js";

/** Blocks in memory, and which of them were loaded. */
function blocks() {
  const held = new Map<string, Uint8Array>();
  const loaded: string[] = [];
  return {
    held,
    loaded,
    put(bytes: Uint8Array, codec: BlockCodec): CID {
      const cid = parseCid(cidOfBlock(bytes, codec));
      held.set(`${cid}`, bytes);
      return cid;
    },
    async load(cid: CID) {
      loaded.push(`${cid}`);
      return held.get(`${cid}`);
    },
  };
}

async function visited(
  cid: CID,
  load: (cid: CID) => Promise<Uint8Array | undefined>,
  scope: "block" | "tree" = "tree",
) {
  const found = new Map<string, boolean>();
  for await (const each of walk({ cid: `${cid}`, scope }, load)) {
    expect(found.has(`${each.cid}`)).toBe(false);
    found.set(`${each.cid}`, each.blind);
  }
  return found;
}

describe("linksOf", () => {
  const [one, two] = [1, 2].map((seed) => parseCid(cidOfBlock(bytesOf(10, seed), "raw"))) as [CID, CID];

  it("finds the links of dag-pb and of dag-cbor, however deep, and none in other codecs", () => {
    const pb = dagPb.encode(dagPb.prepare({ Links: [one, two] }));
    expect(
      linksOf(parseCid(cidOfBlock(pb, "dag-pb")), pb)
        .map(String)
        .sort(),
    ).toEqual([`${one}`, `${two}`].sort());
    const cbor = dagCbor.encode({ a: [{ b: one }], c: two, d: "text", e: bytesOf(3) });
    expect(
      linksOf(parseCid(cidOfBlock(cbor)), cbor)
        .map(String)
        .sort(),
    ).toEqual([`${one}`, `${two}`].sort());
    const asRaw = parseCid(cidOfBlock(cbor, "raw"));
    expect([linksOf(asRaw, cbor), mayLink(asRaw)]).toEqual([[], false]);
  });

  it("throws on bytes that are not of the codec", () => {
    expect(() => linksOf(parseCid(cidOfBlock(bytesOf(50), "dag-pb")), bytesOf(50))).toThrow();
  });
});

describe("walk", () => {
  it("visits every block of a tree once, and loads no leaf", async () => {
    const { put, load, loaded } = blocks();
    const leaf = put(bytesOf(10), "raw");
    const below = put(dagCbor.encode({ leaf }), "dag-cbor");
    const top = put(dagCbor.encode({ below, again: below, leaf }), "dag-cbor");
    expect([...(await visited(top, load)).keys()].sort()).toEqual([leaf, below, top].map(String).sort());
    expect(loaded.sort()).toEqual([below, top].map(String).sort());
  });

  it("visits the one block of a pin of scope block, without loading it", async () => {
    const { put, load, loaded } = blocks();
    const top = put(dagCbor.encode({ leaf: put(bytesOf(10), "raw") }), "dag-cbor");
    expect([...(await visited(top, load, "block"))]).toEqual([[`${top}`, false]]);
    expect(loaded).toEqual([]);
  });

  it("marks a node that is missing or cannot be decoded as blind, and goes on with the others", async () => {
    const { put, load, held } = blocks();
    const gone = put(dagCbor.encode({ n: 1 }), "dag-cbor");
    const noise = put(bytesOf(50), "dag-pb");
    const leaf = put(bytesOf(10), "raw");
    const top = put(dagCbor.encode([gone, noise, leaf]), "dag-cbor");
    held.delete(`${gone}`);
    expect(await visited(top, load)).toEqual(
      new Map([
        [`${top}`, false],
        [`${gone}`, true],
        [`${noise}`, true],
        [`${leaf}`, false],
      ]),
    );
  });

  it("visits no identity CID, which is its own block", async () => {
    const { put, load } = blocks();
    const inline = CID.createV1(0x55, identity.digest(bytesOf(5)));
    const top = put(dagCbor.encode({ inline }), "dag-cbor");
    expect([...(await visited(top, load)).keys()]).toEqual([`${top}`]);
  });
});

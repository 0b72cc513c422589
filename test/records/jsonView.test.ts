import * as dagCbor from "@ipld/dag-cbor";
import fc from "fast-check";
import { CID } from "multiformats/cid";
import { describe, expect, it } from "vitest";
import {
  blockToJsonView,
  contentIdToCid,
  decodeRecord,
  encodeRecord,
  InvalidRecordError,
  toJsonView,
} from "../../src/records/index.js";
import { incident } from "./samples.js";

const cid = contentIdToCid(`0x${"ab".repeat(32)}`, "raw");

describe("the JSON view", () => {
  it("is what the table of toJsonView says", () => {
    expect(toJsonView({ n: null, b: true, t: "ä", i: -7, f: 0.5, list: [1, ["x"]], gone: undefined })).toEqual({
      ...{ n: null, b: true, t: "ä", i: -7, f: 0.5 },
      list: [1, ["x"]],
    });
    expect(toJsonView({ gas: 2n ** 64n, bytes: new Uint8Array([0, 255]), link: CID.parse(cid) })).toEqual({
      gas: "18446744073709551616",
      bytes: "0x00ff",
      link: cid,
    });
  });

  it("of a record is the record's value: nothing in a record needs another form", () => {
    const { bytes } = encodeRecord("Incident", incident);
    expect(blockToJsonView(bytes)).toEqual(decodeRecord("Incident", bytes));
  });

  it("of a block survives JSON text, whatever the block holds", () => {
    const leaf = fc.oneof(fc.jsonValue(), fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), fc.uint8Array());
    fc.assert(
      fc.property(fc.dictionary(fc.string({ unit: "grapheme-ascii" }), leaf), (value) => {
        const clean = JSON.parse(JSON.stringify(value, (_key, each) => (typeof each === "bigint" ? 0 : each)));
        const view = blockToJsonView(dagCbor.encode(clean));
        expect(JSON.parse(JSON.stringify(view))).toEqual(view);
      }),
    );
    const view = blockToJsonView(dagCbor.encode({ big: 2n ** 60n, bytes: new Uint8Array([1]), link: CID.parse(cid) }));
    expect(view).toEqual({ big: "1152921504606846976", bytes: "0x01", link: cid });
  });

  it("refuses what JSON cannot express, with its path, and bytes that are no block", () => {
    expect(() => toJsonView({ list: [1, Number.NaN] })).toThrow("list[1]");
    expect(() => toJsonView({ work: () => 0 })).toThrow(InvalidRecordError);
    let deep: unknown = 0;
    for (let depth = 0; depth < 10_000; depth++) deep = [deep];
    expect(() => toJsonView(deep)).toThrow("nested deeper");
    expect(() => blockToJsonView(new Uint8Array([0xff]))).toThrow("is not dag-cbor");
  });
});

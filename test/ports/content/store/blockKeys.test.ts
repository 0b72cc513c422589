import fc from "fast-check";
import { expect, it } from "vitest";
import { cidOfBlock, parseCid } from "../../../../src/ports/content/cid.js";
import {
  BlockKeys,
  blockKey,
  blockKeyOfBorn,
  bornKey,
  cidOfKey,
  decodeBorn,
  encodeBorn,
  pinKey,
} from "../../../../src/ports/content/store/blockKeys.js";
import { bytesOf } from "../contentNodes.js";

const inRange = (key: string, { gte, lt }: { gte: string; lt: string }) => key >= gte && key < lt;

it("names a block by its hash alone, and gives its CID back as raw", () => {
  const [raw, cbor] = [cidOfBlock(bytesOf(10), "raw"), cidOfBlock(bytesOf(10), "dag-cbor")].map(parseCid);
  if (raw === undefined || cbor === undefined) throw new Error("no CIDs");
  expect(blockKey(raw)).toBe(blockKey(cbor));
  expect(cidOfKey(blockKey(cbor)).toString()).toBe(raw.toString());
  expect(blockKeyOfBorn(bornKey(blockKey(raw)))).toBe(blockKey(raw));
});

it("keeps blocks, their stamps and pins in ranges that do not overlap, whatever a pin's name", () => {
  const block = blockKey(parseCid(cidOfBlock(bytesOf(10))));
  fc.assert(
    fc.property(fc.string(), (name) => {
      const keys = [block, bornKey(block), pinKey(name)];
      const ranges = [BlockKeys.blocks, BlockKeys.born, BlockKeys.pins];
      for (const [at, key] of keys.entries()) {
        expect(ranges.map((range) => inRange(key, range))).toEqual(ranges.map((_, index) => index === at));
      }
    }),
  );
});

it("reads stamps of this version and of earlier ones, and takes anything else for an unknown age", () => {
  const stamp = { at: 1_800_000_000_000, bytes: 7, session: "abc", monotonic: 12 };
  expect(decodeBorn(encodeBorn({ ...stamp, monotonic: 12.9 }))).toEqual(stamp);
  expect(decodeBorn(encodeBorn({ ...stamp, openMs: 34 }))).toEqual({ ...stamp, openMs: 34 });
  expect(decodeBorn(Buffer.from("1800000000000 7"))).toEqual({ at: stamp.at, bytes: 7 });
  for (const other of [undefined, Buffer.from("soon 7"), Buffer.from("1.5 7"), Buffer.from("5")]) {
    expect(decodeBorn(other)).toBeUndefined();
  }
});

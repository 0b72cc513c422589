import { CID } from "multiformats/cid";
import * as Digest from "multiformats/hashes/digest";
import { describe, expect, it } from "vitest";
import { createDontHaves } from "../../../../src/ports/content/bitswap/dontHaves.js";

/** A CID that no other number has. */
function cidOf(number: number): CID {
  const digest = new Uint8Array(32);
  new DataView(digest.buffer).setUint32(0, number);
  return CID.createV1(0x55, Digest.create(0x12, digest));
}

/** What a peer is remembered of at least, and at most: several times what bitswap remembers itself. */
const BOUND = 4_096;

describe("what peers do not have", () => {
  it("is known of the peer that said it and of the block that it named, and of no other", () => {
    const dontHaves = createDontHaves();
    dontHaves.add("a", cidOf(1));
    expect(dontHaves.has("a", cidOf(1))).toBe(true);
    expect([dontHaves.has("b", cidOf(1)), dontHaves.has("a", cidOf(2))]).toEqual([false, false]);
  });

  it("is known by the block's hash, not by the object or the codec that names it", () => {
    const dontHaves = createDontHaves();
    dontHaves.add("a", cidOf(1));
    expect(dontHaves.has("a", CID.parse(`${cidOf(1)}`))).toBe(true);
    expect(dontHaves.has("a", CID.createV1(0x71, cidOf(1).multihash))).toBe(true);
  });

  it("is forgotten block by block, or with the peer", () => {
    const dontHaves = createDontHaves();
    for (const peer of ["a", "b"]) for (const number of [1, 2]) dontHaves.add(peer, cidOf(number));
    dontHaves.delete("a", cidOf(1));
    expect([1, 2].map((number) => dontHaves.has("a", cidOf(number)))).toEqual([false, true]);
    dontHaves.deletePeer("a");
    expect([1, 2].map((number) => dontHaves.has("a", cidOf(number)))).toEqual([false, false]);
    expect([1, 2].map((number) => dontHaves.has("b", cidOf(number)))).toEqual([true, true]);
  });

  it("needs no peer to be known before it is forgotten", () => {
    const dontHaves = createDontHaves();
    dontHaves.delete("a", cidOf(1));
    dontHaves.deletePeer("a");
    expect(dontHaves.has("a", cidOf(1))).toBe(false);
  });

  it("is bounded for each peer by itself: the oldest goes first, and a peer that says much drives out no other", () => {
    const dontHaves = createDontHaves();
    dontHaves.add("quiet", cidOf(0));
    for (let number = 0; number < BOUND; number++) dontHaves.add("loud", cidOf(number));
    expect(dontHaves.has("loud", cidOf(0))).toBe(true);
    dontHaves.add("loud", cidOf(0));
    dontHaves.add("loud", cidOf(BOUND));
    expect([0, 1, 2, BOUND].map((number) => dontHaves.has("loud", cidOf(number)))).toEqual([true, false, true, true]);
    expect(dontHaves.has("quiet", cidOf(0))).toBe(true);
  });
});

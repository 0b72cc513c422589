import { randomBytes } from "node:crypto";
import fc from "fast-check";
import { base58btc } from "multiformats/bases/base58";
import { CID } from "multiformats/cid";
import * as Digest from "multiformats/hashes/digest";
import { identity } from "multiformats/hashes/identity";
import { describe, expect, it } from "vitest";
import { assertFits, cidOfBlock, isBlockOf, parseCid, sha256Of } from "../../../src/ports/content/cid.js";
import { MAX_BLOCK_BYTES } from "../../../src/ports/content/content.js";
import { type BlockCodec, BlockCodecs, contentIdOf } from "../../../src/records/index.js";

const codec = fc.constantFrom(...(Object.keys(BlockCodecs) as BlockCodec[]));
const block = fc.uint8Array({ maxLength: 64 });
const digest = Digest.create(0x12, Uint8Array.from(randomBytes(32)));

describe("the CID of a block", () => {
  it("is read again as it is written, in every codec, and names the block", () => {
    fc.assert(
      fc.property(block, codec, (bytes, codec) => {
        const text = cidOfBlock(bytes, codec);
        const cid = parseCid(text);
        expect([cid.toString(), cid.code, cid.version]).toEqual([text, BlockCodecs[codec], 1]);
        expect(isBlockOf(cid, bytes)).toBe(true);
      }),
    );
  });

  it("is that of a record unless a codec is given", () => {
    expect(parseCid(cidOfBlock(Uint8Array.of(1))).code).toBe(BlockCodecs["dag-cbor"]);
  });

  it("names no block of which a bit or the length differs", () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 64 }), fc.nat(), (bytes, at) => {
        const cid = parseCid(cidOfBlock(bytes));
        const altered = bytes.map((byte, i) => (i === (at >> 3) % bytes.length ? byte ^ (1 << (at & 7)) : byte));
        for (const other of [altered, bytes.subarray(1), Uint8Array.of(...bytes, 0)]) {
          expect(isBlockOf(cid, other)).toBe(false);
        }
      }),
    );
  });

  it("is made up to the limit of a block, and not beyond", () => {
    expect(cidOfBlock(new Uint8Array(MAX_BLOCK_BYTES))).toMatch(/^b/);
    expect(() => cidOfBlock(new Uint8Array(MAX_BLOCK_BYTES + 1))).toThrow(
      expect.objectContaining({ kind: "too-large", retryable: false }),
    );
  });
});

describe("the text of a CID", () => {
  const good = CID.createV1(BlockCodecs.raw, digest);
  it.each([
    ["no text", ""],
    ["other text", "hello"],
    ["a CID of version 0", CID.createV0(digest).toString()],
    ["a CID in base58", good.toString(base58btc)],
    ["a CID in capitals", good.toString().toUpperCase()],
    ["a CID with a space", `${good} `],
    ["a path below a CID", `${good}/a`],
    ["a CID of another codec", CID.createV1(0x0129, digest).toString()],
    ["a CID of another hash", CID.createV1(BlockCodecs.raw, Digest.create(0x13, randomBytes(64))).toString()],
    ["a CID of a shortened hash", CID.createV1(BlockCodecs.raw, Digest.create(0x12, randomBytes(20))).toString()],
    ["a CID that is its own block", CID.createV1(BlockCodecs.raw, identity.digest(Uint8Array.of(1))).toString()],
  ])("is not %s", (_, text) => {
    expect(() => parseCid(text)).toThrow(expect.objectContaining({ kind: "invalid-cid", retryable: false }));
  });

  it("is refused if it is no text at all, with a message that stays short", () => {
    const refusal = expect.objectContaining({ kind: "invalid-cid" });
    expect(() => parseCid(undefined as unknown as string)).toThrow(refusal);
    try {
      parseCid("x".repeat(100_000));
      expect.unreachable();
    } catch (error) {
      expect((error as Error).message.length).toBeLessThan(200);
    }
  });
});

describe("the sha256 of bytes", () => {
  it("is that of FIPS 180-4, and the digest in a record's id", () => {
    expect(sha256Of(new TextEncoder().encode("abc"))).toBe(
      "0xba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
    );
    fc.assert(
      fc.property(block, (bytes) => {
        expect(sha256Of(bytes)).toBe(contentIdOf(bytes));
      }),
    );
  });
});

describe("a limit of bytes", () => {
  it("holds a block of exactly so many, and refuses one more by name", () => {
    assertFits("bafy", new Uint8Array(10), 10);
    assertFits("bafy", new Uint8Array(MAX_BLOCK_BYTES));
    expect(() => assertFits("bafy", new Uint8Array(11), 10)).toThrow(/bafy has 11 bytes, over the limit of 10/);
    expect(() => assertFits("bafy", new Uint8Array(MAX_BLOCK_BYTES + 1))).toThrow(
      expect.objectContaining({ kind: "too-large" }),
    );
  });
});

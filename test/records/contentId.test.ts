import { createHash } from "node:crypto";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  type BlockCodec,
  BlockCodecs,
  cidToContentId,
  codecOfCid,
  contentIdOf,
  contentIdToCid,
  isCid,
  isContentId,
} from "../../src/records/index.js";
import { contentId } from "./samples.js";

const codec = fc.constantFrom(...(Object.keys(BlockCodecs) as BlockCodec[]));

describe("a ContentId", () => {
  it("is the sha256 of a block", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 5_000 }), (bytes) => {
        expect(contentIdOf(bytes)).toBe(`0x${createHash("sha256").update(bytes).digest("hex")}`);
      }),
    );
  });

  it("goes to a CID and back, and keeps its codec", () => {
    fc.assert(
      fc.property(contentId, codec, (id, name) => {
        const cid = contentIdToCid(id, name);
        expect(isCid(cid)).toBe(true);
        expect(cidToContentId(cid)).toBe(id);
        expect(codecOfCid(cid)).toBe(name);
      }),
    );
  });

  it("is the CID that other IPFS tools give", () => {
    // `echo -n hello | ipfs add --cid-version 1 --raw-leaves`
    const hello = contentIdOf(new TextEncoder().encode("hello"));
    expect(contentIdToCid(hello, "raw")).toBe("bafkreibm6jg3ux5qumhcn2b3flc3tyu6dmlb4xa7u5bf44yegnrjhc4yeq");
  });

  it("is lower-case and whole", () => {
    expect(isContentId(`0x${"ab".repeat(32)}`)).toBe(true);
    for (const text of [`0x${"AB".repeat(32)}`, "ab".repeat(32), `0x${"ab".repeat(31)}`, "", 7, null]) {
      expect(isContentId(text)).toBe(false);
    }
    expect(() => contentIdToCid("0x12")).toThrow(/Not a ContentId/);
  });

  it.each([
    "",
    "hello",
    "QmdfTbBqBPQ7VNxZEYEj14VmRuZBkqFbiwReogJgS1zR1n",
    "BAFKREIBM6JG3UX5QUMHCN2B3FLC3TYU6DMLB4XA7U5BF44YEGNRJHC4YEQ",
    "zb2rhe5P4gXftAwvA4eXQ5HJwsER2owDyS9sKaQRRVQPn93bA",
    "bafkqabtimvwgy3yk",
    "baguqeerasords4njcts6vs7qvdjfcvgnume4hqohf65zsfguprqphs3icwea",
  ])("has no other text: %s", (text) => {
    expect(isCid(text)).toBe(false);
    expect(() => cidToContentId(text)).toThrow(expect.objectContaining({ code: "invalid-input" }));
    expect(() => codecOfCid(text)).toThrow(expect.objectContaining({ code: "invalid-input" }));
  });
});

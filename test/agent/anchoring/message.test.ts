import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type AnchoringMessage, decodeMessage, encodeMessage } from "../../../src/agent/anchoring/message.js";
import { checksumAddress, type Hex } from "../../../src/records/index.js";

const hexOf = (bytes: Uint8Array): Hex => `0x${Buffer.from(bytes).toString("hex")}`;
const bytes = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });
const hex = (length: number) => bytes(length).map(hexOf);
const uint = (length: number) => fc.integer({ min: 0, max: 2 ** (8 * length) - 1 });
const address = hex(20).map((text) => checksumAddress(text) ?? text);

const batch: fc.Arbitrary<AnchoringMessage> = fc
  .record({ author: address, root: hex(32), count: uint(4), manifest: hex(32), signature: hex(65) })
  .map((each) => ({ type: "batch", batch: each }));
const draft: fc.Arbitrary<AnchoringMessage> = fc
  .record({ epoch: uint(4), root: hex(32), batches: uint(4), manifest: hex(32), deadline: uint(6) })
  .map((each) => ({ type: "draft", draft: each }));
const signature: fc.Arbitrary<AnchoringMessage> = fc
  .record({ id: hex(32), index: uint(4), signature: bytes(96) })
  .map((each) => ({ type: "signature", signed: { ...each, signature: Uint8Array.from(each.signature) } }));
const message = fc.oneof(batch, draft, signature);

const root: Hex = `0x${"22".repeat(32)}`;
const manifest: Hex = `0x${"33".repeat(32)}`;
const examples: Readonly<Record<AnchoringMessage["type"], AnchoringMessage>> = {
  batch: {
    type: "batch",
    batch: { author: `0x${"11".repeat(20)}`, root, count: 258, manifest, signature: `0x${"44".repeat(65)}` },
  },
  draft: { type: "draft", draft: { epoch: 7, root, batches: 9, manifest, deadline: 0x0102_0304_0506 } },
  signature: { type: "signature", signed: { id: root, index: 258, signature: new Uint8Array(96).fill(0x55) } },
};

describe("a message of joint anchoring as it travels", () => {
  it.each<[AnchoringMessage["type"], string]>([
    ["batch", `0100${"11".repeat(20)}${"22".repeat(32)}00000102${"33".repeat(32)}${"44".repeat(65)}`],
    ["draft", `010100000007${"22".repeat(32)}00000009${"33".repeat(32)}010203040506`],
    ["signature", `010200000102${"22".repeat(32)}${"55".repeat(96)}`],
  ])("has its fields in this order: a %s", (type, text) => {
    expect(hexOf(encodeMessage(examples[type]))).toBe(`0x${text}`);
  });

  it("is read as it was written", () => {
    fc.assert(
      fc.property(message, (each) => {
        expect(decodeMessage(encodeMessage(each))).toEqual(each);
      }),
    );
  });

  it("is what any bytes are that are read as one: there is one way to write it", () => {
    const altered = message
      .map(encodeMessage)
      .chain((written) =>
        fc.tuple(fc.nat({ max: written.length - 1 }), fc.nat({ max: 255 })).map(([at, byte]) => written.with(at, byte)),
      );
    fc.assert(
      fc.property(fc.oneof(altered, fc.uint8Array({ maxLength: 200 })), (received) => {
        const read = decodeMessage(received);
        if (read !== undefined) expect(encodeMessage(read)).toEqual(Uint8Array.from(received));
      }),
    );
  });

  it("outlives the buffer that it was read from: a signature is a copy", () => {
    const received = encodeMessage(examples.signature);
    const read = decodeMessage(received);
    received.fill(0);
    expect(read).toEqual(examples.signature);
  });
});

describe("bytes that are no message", () => {
  it("are found out: empty, cut short, too long, of another version or kind", () => {
    expect([decodeMessage(new Uint8Array()), decodeMessage(Uint8Array.of(1))]).toEqual([undefined, undefined]);
    for (const example of Object.values(examples)) {
      const good = encodeMessage(example);
      const bad = {
        "cut short": good.subarray(0, -1),
        "too long": Uint8Array.from([...good, 0]),
        "of the next version": good.with(0, 2),
        "of a kind that there is not": good.with(1, 3),
        "of another kind": good.with(1, (good[1] ?? 0) === 0 ? 1 : 0),
      };
      for (const [what, bytes] of Object.entries(bad)) {
        expect(decodeMessage(bytes), `${example.type} ${what}`).toBeUndefined();
      }
    }
  });
});

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { decodeBallot, encodeBallot } from "../../../src/agent/ballots/message.js";
import { type NodeBallot, type Support, Supports } from "../../../src/client/index.js";

const LAST_ID = 2n ** 256n - 1n;
const ballot: fc.Arbitrary<NodeBallot> = fc.record({
  proposalId: fc.bigInt({ min: 0n, max: LAST_ID }).map(String),
  index: fc.integer({ min: 0, max: 0xffff_ffff }),
  support: fc.constantFrom(...Supports),
  signature: fc
    .constantFrom(64, 96)
    .chain((length) => fc.uint8Array({ minLength: length, maxLength: length }))
    .map((bytes) => Uint8Array.from(bytes)),
});
const example: NodeBallot = {
  proposalId: `${0x1234}`,
  index: 258,
  support: "for",
  signature: new Uint8Array(96).fill(0x33),
};
const hexOf = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex");

describe("a ballot as it travels", () => {
  it("has 134 bytes where keys are added up, 102 where operators sign, in this order", () => {
    const head = `010100000102${"00".repeat(30)}1234`;
    expect(hexOf(encodeBallot(example))).toBe(`${head}${"33".repeat(96)}`);
    const byOperator = { ...example, signature: new Uint8Array(64).fill(0x44) };
    expect(hexOf(encodeBallot(byOperator))).toBe(`${head}${"44".repeat(64)}`);
  });

  it("says its support by the contract's number", () => {
    const numbers = (["against", "for", "abstain"] satisfies Support[]).map(
      (support) => encodeBallot({ ...example, support })[1],
    );
    expect(numbers).toEqual([0, 1, 2]);
  });

  it("is read as it was written", () => {
    fc.assert(
      fc.property(ballot, (each) => {
        expect(decodeBallot(encodeBallot(each))).toEqual(each);
      }),
    );
  });

  it("is what any bytes are that are read as one: there is one way to write it", () => {
    const altered = fc
      .tuple(ballot, fc.nat({ max: 133 }), fc.nat({ max: 255 }))
      .map(([each, at, byte]) => encodeBallot(each).map((old, place) => (place === at ? byte : old)));
    fc.assert(
      fc.property(fc.oneof(altered, fc.uint8Array({ maxLength: 200 })), (message) => {
        const read = decodeBallot(message);
        if (read !== undefined) expect(encodeBallot(read)).toEqual(Uint8Array.from(message));
      }),
    );
  });

  it.each<[string, (message: Uint8Array) => Uint8Array]>([
    ["no bytes", () => new Uint8Array()],
    ["little more than a version", (message) => message.subarray(0, 3)],
    ["no signature", (message) => message.subarray(0, 38)],
    ["a signature that is too short", (message) => message.subarray(0, 133)],
    ["bytes after its end", (message) => Uint8Array.from([...message, 0])],
    ["another version", (message) => message.with(0, 2)],
    ["a support that there is not", (message) => message.with(1, 3)],
  ])("is nothing with %s", (_, change) => {
    expect(decodeBallot(change(encodeBallot(example)))).toBeUndefined();
  });

  it("is a copy: what becomes of the message's bytes does not change it", () => {
    const message = encodeBallot(example);
    const read = decodeBallot(message);
    message.fill(0);
    expect(read).toEqual(example);
  });
});

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { decodeAttestation, encodeAttestation } from "../../../src/agent/attestations/message.js";
import type { Attestation } from "../../../src/agent/attestations/statement.js";

const bytes32 = fc.uint8Array({ minLength: 32, maxLength: 32 }).map((bytes) => hexOf(bytes));
const said: fc.Arbitrary<Pick<Attestation, "report" | "outcome">> = fc.oneof(
  fc.constant({ report: "ready", outcome: null } as const),
  fc.record({ report: fc.constantFrom("done", "failed"), outcome: bytes32.filter((each) => BigInt(each) !== 0n) }),
);
const attestation: fc.Arbitrary<Attestation> = fc
  .tuple(
    fc.record({
      directiveId: bytes32,
      index: fc.integer({ min: 0, max: 0xffff_ffff }),
      signature: fc.uint8Array({ minLength: 96, maxLength: 96 }),
    }),
    said,
  )
  .map(([head, statement]) => ({ ...head, ...statement }));

const example: Attestation = {
  directiveId: `0x${"11".repeat(32)}`,
  report: "failed",
  outcome: `0x${"22".repeat(32)}`,
  index: 258,
  signature: new Uint8Array(96).fill(0x33),
};

function hexOf(bytes: Uint8Array): `0x${string}` {
  return `0x${Buffer.from(bytes).toString("hex")}`;
}

describe("an attestation as it travels", () => {
  it("has 166 bytes, in this order", () => {
    const text = `01030000${"0102"}${"11".repeat(32)}${"22".repeat(32)}${"33".repeat(96)}`;
    expect(hexOf(encodeAttestation(example))).toBe(`0x${text}`);
    const ready = encodeAttestation({ ...example, report: "ready", outcome: null });
    expect(hexOf(ready.subarray(0, 2))).toBe("0x0101");
    expect(hexOf(ready.subarray(38, 70))).toBe(`0x${"00".repeat(32)}`);
  });

  it("is read as it was written", () => {
    fc.assert(
      fc.property(attestation, (each) => {
        expect(decodeAttestation(encodeAttestation(each))).toEqual(each);
      }),
    );
  });

  it("is what any bytes are that are read as one: there is one way to write it", () => {
    const altered = fc
      .tuple(attestation, fc.nat({ max: 165 }), fc.nat({ max: 255 }))
      .map(([each, at, byte]) => encodeAttestation(each).map((old, place) => (place === at ? byte : old)));
    fc.assert(
      fc.property(fc.oneof(altered, fc.uint8Array({ maxLength: 200 })), (message) => {
        const read = decodeAttestation(message);
        if (read !== undefined) expect(encodeAttestation(read)).toEqual(Uint8Array.from(message));
      }),
    );
  });

  it.each<[string, (message: Uint8Array) => Uint8Array]>([
    ["another length", (message) => message.subarray(0, 165)],
    ["bytes after its end", (message) => Uint8Array.from([...message, 0])],
    ["another version", (message) => message.with(0, 2)],
    ["no report", (message) => message.with(1, 0)],
    ["a report that is none", (message) => message.with(1, 4)],
    ["an outcome of who is ready", (message) => message.with(1, 1)],
    ["no outcome", (message) => message.map((byte, at) => (at >= 38 && at < 70 ? 0 : byte))],
  ])("is none with %s", (_, change) => {
    expect(decodeAttestation(change(encodeAttestation(example)))).toBeUndefined();
  });
});

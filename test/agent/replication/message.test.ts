import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  decodeReport,
  encodeReport,
  MAX_MISSING,
  type ReplicationReport,
  viewOf,
} from "../../../src/agent/replication/message.js";
import type { RetentionRules } from "../../../src/policy/index.js";
import { type Address, type ContentId, contentIdOf, RecordKinds } from "../../../src/records/index.js";

const contentId = fc.uint8Array({ minLength: 4, maxLength: 4 }).map(contentIdOf);
const report: fc.Arbitrary<ReplicationReport> = fc.record({
  block: fc.maxSafeNat(),
  view: fc.uint8Array({ minLength: 8, maxLength: 8 }).map((bytes) => Buffer.from(bytes).toString("hex")),
  missing: fc.array(contentId, { maxLength: MAX_MISSING }),
});
const example: ReplicationReport = { block: 7, view: "0123456789abcdef", missing: [contentIdOf(Uint8Array.of(1))] };
const bytesOf = (value: unknown) => new TextEncoder().encode(JSON.stringify(value));
const missing = (count: number): ContentId[] => Array.from({ length: count }, (_, i) => contentIdOf(Uint8Array.of(i)));

describe("a report of replication", () => {
  it("is read as it was written", () => {
    fc.assert(
      fc.property(report, (each) => {
        expect(decodeReport(encodeReport(each))).toEqual(each);
      }),
    );
  });

  it("names 256 records that are missing, and not one more", () => {
    expect(decodeReport(bytesOf({ ...example, missing: missing(256) }))?.missing).toHaveLength(256);
    expect(decodeReport(bytesOf({ ...example, missing: [...missing(256), ...missing(1)] }))).toBeUndefined();
  });

  it.each<[string, unknown]>([
    ["names no block", { ...example, block: undefined }],
    ["names a block before the first", { ...example, block: -1 }],
    ["names half a block", { ...example, block: 0.5 }],
    ["names a block as text", { ...example, block: "7" }],
    ["has a view that is too long", { ...example, view: `${example.view}0` }],
    ["has a view in capitals", { ...example, view: example.view.toUpperCase() }],
    ["lacks what is no ContentId", { ...example, missing: ["web"] }],
    ["lacks nothing that is a list", { ...example, missing: null }],
    ["tells more", { ...example, node: 3 }],
    ["is a list", [example]],
    ["is null", null],
  ])("is refused if it %s", (_what, value) => {
    expect(decodeReport(bytesOf(value))).toBeUndefined();
  });

  it("is not read from any other bytes, and no bytes make a node fail", () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.uint8Array(),
          fc.json().map((text) => new TextEncoder().encode(text)),
        ),
        (bytes) => {
          expect(decodeReport(bytes)).toBeUndefined();
        },
      ),
    );
  });
});

describe("the view that a share follows from", () => {
  const operators: readonly Address[] = ["11", "22", "33"].map((byte): Address => `0x${byte.repeat(20)}`);
  const rules: RetentionRules = {
    retain: { State: 60, Model: 70, Incident: 80, Outcome: Number.POSITIVE_INFINITY },
    replicas: { min: 1, max: 3 },
  };
  const view = viewOf(operators, rules);

  it("is the same whatever the order of the members, and the case of their addresses", () => {
    const mixed: Address = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed";
    expect(viewOf(operators.toReversed(), rules)).toBe(view);
    expect(viewOf([mixed.toLowerCase() as Address], rules)).toBe(viewOf([mixed], rules));
    // It travels in a report.
    expect(decodeReport(encodeReport({ ...example, view }))?.view).toBe(view);
  });

  it("is another for each change of the members or of a rule", () => {
    const changed = [
      viewOf(operators.slice(1), rules),
      viewOf([], rules),
      viewOf(operators, { ...rules, replicas: { min: 2, max: 3 } }),
      viewOf(operators, { ...rules, replicas: { min: 1, max: 4 } }),
      // One digit more of one number and one less of the next.
      viewOf(operators, { ...rules, replicas: { min: 13, max: 3 } }),
      ...RecordKinds.map((kind) => viewOf(operators, { ...rules, retain: { ...rules.retain, [kind]: 61 } })),
    ];
    expect(new Set([view, ...changed]).size).toBe(1 + changed.length);
  });
});

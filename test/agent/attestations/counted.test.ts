import { describe, expect, it } from "vitest";
import { CountedReports } from "../../../src/agent/attestations/counted.js";
import type { DirectiveAttestation, DirectiveReport } from "../../../src/client/index.js";
import type { Address, ContentId } from "../../../src/records/index.js";

const [alice, bob, carol]: [Address, Address, Address] = [
  `0x${"Aa".repeat(20)}`,
  `0x${"Bb".repeat(20)}`,
  `0x${"Cc".repeat(20)}`,
];
const [one, two]: [ContentId, ContentId] = [`0x${"01".repeat(32)}`, `0x${"02".repeat(32)}`];
const said = (node: Address, report: DirectiveReport, outcome: ContentId | null = one): DirectiveAttestation => ({
  ...{ node, report, transactionHash: "0x", blockNumber: 1 },
  outcome: report === "ready" ? null : outcome,
});

describe("what counts of a directive", () => {
  it("is nothing where no node has reported", () => {
    const counted = new CountedReports([]);
    expect([counted.anyEnded, counted.has(alice, { report: "ready" })]).toEqual([false, false]);
    expect(counted.of({ report: "done", outcome: one })).toBe(0);
  });

  it("leaves a node that is ready its end, however its address is written", () => {
    const counted = new CountedReports([said(alice, "ready")]);
    for (const node of [alice, alice.toLowerCase() as Address]) {
      expect([counted.has(node, { report: "ready" }), counted.has(node, { report: "done" })]).toEqual([true, false]);
    }
    expect([counted.anyEnded, counted.has(bob, { report: "ready" })]).toEqual([false, false]);
  });

  it("leaves a node that has ended its part nothing to say, whether or not it was ready before", () => {
    const counted = new CountedReports([said(alice, "ready"), said(alice, "failed"), said(bob, "done")]);
    for (const node of [alice, bob]) {
      for (const report of ["ready", "done", "failed"] as const) expect(counted.has(node, { report })).toBe(true);
    }
    expect([counted.anyEnded, counted.has(carol, { report: "done" })]).toEqual([true, false]);
  });

  it("tells how many nodes have said the same, by report and by outcome", () => {
    const counted = new CountedReports([
      ...[said(alice, "ready"), said(bob, "ready"), said(carol, "ready")],
      ...[said(alice, "done"), said(bob, "done"), said(carol, "done", two)],
    ]);
    const sizes = [
      counted.of({ report: "ready", outcome: null }),
      counted.of({ report: "done", outcome: one }),
      counted.of({ report: "done", outcome: two }),
      counted.of({ report: "failed", outcome: one }),
    ];
    expect(sizes).toEqual([3, 2, 1, 0]);
  });
});

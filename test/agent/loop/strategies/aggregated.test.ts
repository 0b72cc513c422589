import { expect, it } from "vitest";
import { aggregatedAnchoring, aggregatedAttestations } from "../../../../src/agent/loop/strategies/aggregated.js";
import type { IssuedDirective } from "../../../../src/client/index.js";

it("anchors jointly what is not urgent, if there are enough nodes, and all else by itself", async () => {
  const calls: string[] = [];
  let isOpen = false;
  const exchange = {
    get isOpen() {
      return isOpen;
    },
    offer: async () => void calls.push("offer"),
    update: async () => undefined,
  };
  const outbox = { hasEvidence: false, settle: async () => void calls.push("settle") };
  const anchoring = aggregatedAnchoring(exchange, outbox, 60_000);
  await anchoring.anchor(false);
  expect(anchoring.pauseAfter(90_000)).toBe(60_000);
  isOpen = true;
  await anchoring.anchor(false);
  await anchoring.anchor(true);
  // The next full minute of the wall clock.
  expect(anchoring.pauseAfter(90_000)).toBe(30_000);
  expect(calls).toEqual(["settle", "offer", "settle"]);
  // What is kept for longer than states are is anchored by its author alone.
  outbox.hasEvidence = true;
  await anchoring.anchor(false);
  expect(calls).toEqual(["settle", "offer", "settle", "settle"]);
});

it("hands reports to the exchange of attestations", async () => {
  const reported: unknown[] = [];
  const directive = { id: "0x01" } as unknown as IssuedDirective;
  const attestations = aggregatedAttestations({
    attest: async (...all) => void reported.push(all),
    heard: () => [{ node: "0x01", report: "ready", outcome: null }],
    own: (directiveId, part) => (part === "end" ? { directiveId, report: "done", outcome: "0x02" } : undefined),
    reportsOn: ({ id }) => id === directive.id,
    update: async () => undefined,
  });
  const statement = { report: "done", outcome: "0x02" } as const;
  await attestations.report(directive, statement);
  expect(reported).toEqual([[directive, statement]]);
  expect(attestations.received(directive)).toHaveLength(1);
  expect(attestations.mayReport(directive)).toBe(true);
  expect(attestations.ownStatement("0x01", "end")).toMatchObject(statement);
  expect(attestations.ownStatement("0x01", "ready")).toBeUndefined();
});

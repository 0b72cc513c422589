import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { BackgroundJobs } from "../../../src/agent/backgroundJobs.js";
import { Recorder } from "../../../src/agent/loop/recorder.js";
import { aggregatedAnchoring } from "../../../src/agent/loop/strategies/aggregated.js";
import { directAnchoring } from "../../../src/agent/loop/strategies/direct.js";
import type { AnchoringStrategy } from "../../../src/agent/loop/strategies/strategy.js";
import { Outbox } from "../../../src/agent/outbox/outbox.js";
import type { QueuedRecord } from "../../../src/agent/outbox/state.js";
import type { Analysis } from "../../../src/policy/index.js";
import { type Address, contentIdOf, contentIdToCid, decodeRecord, type Incident } from "../../../src/records/index.js";
import { createLogger } from "../../../src/utils/logger.js";
import { frozen, TestClock } from "../../harness/clock.js";
import { temporaryFolder } from "../../harness/folder.js";

const self: Address = `0x${"11".repeat(20)}`;
const HOUR = 3_600_000;
const EVERY_MS = 60_000;
/** A full hour of the wall clock, and of every period that divides it. */
const STRUCK = 500_000 * HOUR;
const calm: Analysis = {
  phi: 1.5,
  state: "EUPHORIC",
  health: "healthy",
  metrics: { cpu: 0, memory: 0, latencyMs: 1, loss: 0, connectivity: 1 },
  heldCycles: 1,
  incidents: [],
  advised: [],
};
const incident: Incident = {
  schema: "witan/incident/1",
  kind: "replica-down",
  severity: "high",
  subject: "replica/web/3",
  observed: { instance: "12@34" },
  detection: { probe: "process" },
  resolution: null,
};

/** A recorder over a real outbox, at a time that the test sets, and a chain that accepts every anchor. */
async function recording(anchoringOf: (outbox: Outbox) => AnchoringStrategy) {
  const anchored: (readonly QueuedRecord[])[] = [];
  const stored: Uint8Array[] = [];
  const outbox = await Outbox.open(join(temporaryFolder(), "outbox.jsonl"), {
    async put(bytes) {
      stored.push(bytes);
      return contentIdToCid(contentIdOf(bytes));
    },
    async anchor(records) {
      anchored.push(records);
      return { root: `0x${anchored.length}`, transactionHash: "0x01", blockNumber: 1 };
    },
    sign: () => Promise.reject(new Error("nothing is signed here")),
    standingOf: async () => "waiting",
  });
  onTestFinished(() => outbox.close());
  // No time passes while an anchor is on its way.
  const clock = new TestClock({ ...frozen(STRUCK), sleep: () => new Promise(() => undefined) });
  const logger = createLogger("silent", () => undefined);
  const jobs = new BackgroundJobs(logger, clock);
  const recorder = new Recorder({ self, clock, outbox, anchoring: anchoringOf(outbox), jobs, logger });
  let cycle = 0;
  return {
    clock,
    outbox,
    stored,
    /** The kinds of the records that are anchored in one more cycle. */
    async kindsAnchored(analysis: Analysis = calm): Promise<string[]> {
      const before = anchored.length;
      await recorder.record(cycle++, analysis, []);
      return anchored.slice(before).flatMap((records) => records.map(({ kind }) => kind));
    },
  };
}

describe("a recorder", () => {
  const direct = (outbox: Outbox) => directAnchoring(outbox, EVERY_MS);

  it("anchors a state in its first cycle, and the next once the period is over", async () => {
    const { clock, kindsAnchored } = await recording(direct);
    expect(await kindsAnchored()).toEqual(["State"]);
    clock.pass(EVERY_MS - 1);
    expect(await kindsAnchored()).toEqual([]);
    clock.pass(1);
    expect(await kindsAnchored()).toEqual(["State"]);
  });

  it("writes a state down at once if it has changed, and anchors it with the next", async () => {
    const { clock, kindsAnchored, outbox } = await recording(direct);
    await kindsAnchored();
    expect(await kindsAnchored({ ...calm, health: "degraded" })).toEqual([]);
    expect(outbox.waiting).toBe(1);
    clock.pass(EVERY_MS);
    expect(await kindsAnchored({ ...calm, health: "degraded" })).toEqual(["State", "State"]);
  });

  it("tells in a state the worst that the disk was since the one before, though nothing could be stored then", async () => {
    const { kindsAnchored, outbox, stored } = await recording(direct);
    await kindsAnchored();
    const submit = outbox.submit.bind(outbox);
    outbox.submit = () => Promise.reject(new Error("no room"));
    await expect(kindsAnchored({ ...calm, health: "degraded", disk: "read-only" })).rejects.toThrow("no room");
    outbox.submit = submit;
    await kindsAnchored({ ...calm, health: "degraded", disk: "low-space" });
    await kindsAnchored(calm);
    await kindsAnchored({ ...calm, health: "degraded" });
    expect(stored.map((bytes) => decodeRecord("State", bytes).disk)).toEqual([
      undefined,
      "read-only",
      undefined,
      undefined,
    ]);
  });

  it("anchors an incident at once, and once for all cycles in which it is seen", async () => {
    const { kindsAnchored } = await recording(direct);
    await kindsAnchored();
    expect(await kindsAnchored({ ...calm, incidents: [incident] })).toEqual(["Incident"]);
    expect(await kindsAnchored({ ...calm, incidents: [{ ...incident }] })).toEqual([]);
  });

  it.each([-HOUR, HOUR])("is neither late nor early when the wall clock is stepped by %i ms", async (step) => {
    const { clock, kindsAnchored } = await recording(direct);
    await kindsAnchored();
    clock.stepWall(step);
    clock.pass(EVERY_MS - 1);
    expect(await kindsAnchored()).toEqual([]);
    clock.pass(1);
    expect(await kindsAnchored()).toEqual(["State"]);
  });
});

describe("a recorder of a node that anchors with others", () => {
  let offers = 0;
  const joint = (outbox: Outbox) =>
    aggregatedAnchoring(
      {
        isOpen: true,
        update: async () => undefined,
        offer: async () => {
          offers += 1;
        },
      },
      outbox,
      EVERY_MS,
    );

  it("offers states at the same times of day as all others, and anchors incidents by itself", async () => {
    const { clock, kindsAnchored } = await recording(joint);
    offers = 0;
    clock.pass(20_000);
    expect(await kindsAnchored()).toEqual([]);
    expect(offers).toBe(1);
    clock.pass(39_999);
    await kindsAnchored();
    expect(offers).toBe(1);
    clock.pass(1);
    await kindsAnchored();
    expect(offers).toBe(2);
    expect(await kindsAnchored({ ...calm, incidents: [incident] })).toContain("Incident");
  });

  it.each([-HOUR, HOUR])("offers within one period when the wall clock is stepped by %i ms", async (step) => {
    const { clock, kindsAnchored } = await recording(joint);
    offers = 0;
    await kindsAnchored();
    clock.stepWall(step + 7_000);
    for (const expected of [2, 3, 4]) {
      clock.pass(EVERY_MS);
      await kindsAnchored();
      expect(offers).toBe(expected);
    }
  });
});

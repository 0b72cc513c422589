import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { BackgroundJobs } from "../../../../src/agent/backgroundJobs.js";
import { AgentDefaults } from "../../../../src/agent/defaults.js";
import type { IncidentTurn } from "../../../../src/agent/loop/recording/incidentTurns.js";
import { Recorder, type RecorderDependencies } from "../../../../src/agent/loop/recording/recorder.js";
import { aggregatedAnchoring } from "../../../../src/agent/loop/strategies/aggregated.js";
import { directAnchoring } from "../../../../src/agent/loop/strategies/direct.js";
import type { AnchoringStrategy } from "../../../../src/agent/loop/strategies/strategy.js";
import { Outbox } from "../../../../src/agent/outbox/outbox.js";
import type { QueuedRecord } from "../../../../src/agent/outbox/state.js";
import { checkRecord } from "../../../../src/catalog/content/content.js";
import type { Analysis } from "../../../../src/policy/index.js";
import { type Address, contentIdOf, contentIdToCid, type Incident, type State } from "../../../../src/records/index.js";
import { createLogger } from "../../../../src/utils/logger.js";
import { frozen, TestClock } from "../../../harness/clock.js";
import { temporaryFolder } from "../../../harness/folder.js";

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

interface RecordingOptions {
  readonly clock?: TestClock;
  readonly path?: string;
  readonly turns?: RecorderDependencies["turns"];
}

/** No time passes while an anchor is on its way. */
const struck = () => new TestClock({ ...frozen(STRUCK), sleep: () => new Promise(() => undefined) });

/** A recorder over a real outbox, at a time that the test sets, and a chain that accepts every anchor unless it is down. */
async function recording(
  anchoringOf: (outbox: Outbox) => AnchoringStrategy,
  { clock = struck(), path = join(temporaryFolder(), "outbox.jsonl"), turns }: RecordingOptions = {},
) {
  const anchored: (readonly QueuedRecord[])[] = [];
  const states: State[] = [];
  const chain = { isDown: false };
  const outbox = await Outbox.open(path, {
    clock,
    put: async (bytes) => {
      const cid = contentIdToCid(contentIdOf(bytes));
      const checked = checkRecord(bytes);
      if (checked.kind === "State") states.push(checked.value as State);
      return cid;
    },
    async anchor(records) {
      if (chain.isDown) throw new Error("the chain does not answer");
      anchored.push(records);
      return { root: `0x${anchored.length}`, transactionHash: "0x01", blockNumber: 1 };
    },
    sign: () => Promise.reject(new Error("nothing is signed here")),
    standingOf: async () => "waiting",
  });
  onTestFinished(() => outbox.close());
  const logger = createLogger("silent", () => undefined);
  const jobs = new BackgroundJobs(logger, clock);
  const recorder = new Recorder({ self, clock, outbox, anchoring: anchoringOf(outbox), jobs, turns, logger });
  let cycle = 0;
  return {
    ...{ anchored, chain, clock, outbox, states },
    record: (analysis: Analysis, accusations: readonly Incident[] = []) =>
      recorder.record(cycle++, analysis, accusations),
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
    const { clock, kindsAnchored, outbox } = await recording((its) => directAnchoring(its, HOUR));
    await kindsAnchored();
    clock.pass(AgentDefaults.stateEveryMs);
    expect(await kindsAnchored({ ...calm, health: "degraded" })).toEqual([]);
    expect(outbox.waiting).toBe(1);
    clock.pass(HOUR - AgentDefaults.stateEveryMs);
    expect(await kindsAnchored({ ...calm, health: "degraded" })).toEqual(["State", "State"]);
  });

  it("counts the changes of a state that changes in every cycle, and writes down how it was meanwhile", async () => {
    const { clock, record, states } = await recording((its) => directAnchoring(its, HOUR));
    const flapping = (cycle: number): Analysis =>
      cycle % 2 === 0 ? calm : { ...calm, phi: 0.5, state: "CONTEMPLATIVE", health: "degraded" };
    for (let cycle = 0; cycle < 100; cycle++) {
      await record(flapping(cycle));
      clock.pass(2_000);
    }
    expect(states).toHaveLength(1);
    clock.pass(AgentDefaults.stateEveryMs - 200_000);
    await record(flapping(101));
    expect(states).toHaveLength(2);
    expect(states[0]?.summary).toEqual({ cycles: 1, changes: 0, healthy: 1, phi: { min: 1.5, mean: 1.5, max: 1.5 } });
    const summary = { cycles: 100, changes: 99, healthy: 49, phi: { min: 0.5, mean: 0.99, max: 1.5 } };
    expect(states[1]?.summary).toEqual(summary);
  });

  it("writes one state down while the chain does not answer, and goes on when it does", async () => {
    const { chain, clock, kindsAnchored, outbox, record } = await recording((its) => directAnchoring(its, HOUR));
    chain.isDown = true;
    for (let cycle = 0; cycle < 10; cycle++) await record(calm);
    expect(outbox.waiting).toBe(1);
    chain.isDown = false;
    clock.pass(60_000);
    expect(await kindsAnchored()).toEqual(["State"]);
  });

  it("writes and anchors no more when it is started again and again than when it runs", async () => {
    const clock = struck();
    const path = join(temporaryFolder(), "outbox.jsonl");
    let [states, anchors] = [0, 0];
    const previous: unknown[] = [];
    for (let start = 0; start <= 12; start++) {
      const one = await recording((its) => directAnchoring(its, HOUR), { clock, path });
      await one.record(calm);
      await one.outbox.close();
      states += one.states.length;
      anchors += one.anchored.length;
      previous.push(...one.states.map((state) => state.previous));
      clock.pass(HOUR / 12);
    }
    // Every ten minutes at most, and with each anchor.
    expect([states, anchors]).toEqual([7, 2]);
    expect(previous).toEqual([null, ...Array(6).fill(expect.stringMatching(/^0x/))]);
  });

  it("tells in a state the worst that the disk was since the one before, though nothing could be stored then", async () => {
    const { clock, kindsAnchored, outbox, states } = await recording((its) => directAnchoring(its, HOUR));
    await kindsAnchored();
    const submit = outbox.submit.bind(outbox);
    const later = async (analysis: Analysis) => {
      clock.pass(AgentDefaults.stateEveryMs);
      return kindsAnchored(analysis);
    };
    outbox.submit = () => Promise.reject(new Error("no room"));
    await expect(later({ ...calm, health: "degraded", disk: "read-only" })).rejects.toThrow("no room");
    outbox.submit = submit;
    await later({ ...calm, health: "degraded", disk: "low-space" });
    await later(calm);
    await later({ ...calm, health: "degraded" });
    expect(states.map(({ disk }) => disk)).toEqual([undefined, "read-only", undefined, undefined]);
    expect(states.map(({ summary }) => summary?.cycles)).toEqual([1, 2, 1, 1]);
  });

  it("anchors a bounded number of incidents at once, and the others together at intervals", async () => {
    const { clock, kindsAnchored } = await recording((its) => directAnchoring(its, 24 * HOUR));
    await kindsAnchored();
    let anchors = 0;
    for (let cycle = 0; cycle < 60; cycle++) {
      const instance = { ...incident, observed: { instance: `${cycle}` } };
      if ((await kindsAnchored({ ...calm, incidents: [instance] })).length > 0) anchors += 1;
    }
    expect(anchors).toBe(AgentDefaults.urgentAnchors);
    clock.pass(AgentDefaults.urgentAnchorEveryMs);
    const last = { ...incident, observed: { instance: "59" } };
    expect(await kindsAnchored({ ...calm, incidents: [last] })).toHaveLength(60 - AgentDefaults.urgentAnchors);
  });

  it("leaves an incident to another in its turn, and cites it once it is anchored", async () => {
    let turn: IncidentTurn = "later";
    const asked: string[] = [];
    const turns = {
      of: async (_: unknown, { subject }: Incident, seenBy: string) => {
        asked.push(`${subject} ${seenBy}`);
        return turn;
      },
    };
    const { kindsAnchored, outbox, record } = await recording((its) => directAnchoring(its, HOUR), { turns });
    await kindsAnchored();
    const accusation: Incident = { ...incident, kind: "equivocation", subject: "node/1" };
    const both = () => record({ ...calm, incidents: [incident] }, [accusation]);
    expect(await both()).toEqual([]);
    expect(asked).toEqual(["replica/web/3 machine", "node/1 members"]);
    // The host's own word goes with its next anchor; what every member sees is anchored once.
    expect(outbox.waiting).toBe(1);
    turn = "anchored";
    expect((await both()).map(({ incident: { subject } }) => subject)).toEqual(["replica/web/3", "node/1"]);
    expect(outbox.waiting).toBe(1);
    turn = "own";
    expect(await both()).toHaveLength(2);
    expect(outbox.waiting).toBe(0);
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

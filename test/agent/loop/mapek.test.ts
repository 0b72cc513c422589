import { join } from "node:path";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { BackgroundJobs } from "../../../src/agent/backgroundJobs.js";
import { Attempts } from "../../../src/agent/loop/attempts.js";
import { Knowledge } from "../../../src/agent/loop/knowledge.js";
import { MapekLoop, type MapekLoopDependencies } from "../../../src/agent/loop/mapek.js";
import { Planner } from "../../../src/agent/loop/planner.js";
import { Recorder } from "../../../src/agent/loop/recording/recorder.js";
import { directStrategies } from "../../../src/agent/loop/strategies/direct.js";
import { openOutbox } from "../../../src/agent/outbox/open.js";
import { type Observation, PlanDefaults } from "../../../src/policy/index.js";
import type { Address } from "../../../src/records/index.js";
import { incidentSchema } from "../../../src/records/schemas/incident.js";
import { systemClock } from "../../../src/utils/clock.js";
import { DiskError } from "../../../src/utils/disk/diskError.js";
import { createLogger } from "../../../src/utils/logger.js";
import { TestClock } from "../../harness/clock.js";
import { createTestDao } from "../../harness/dao.js";
import { temporaryFolder } from "../../harness/folder.js";

const HOUR = 3_600_000;
const observation: Observation = {
  cycle: 0,
  machine: { cpu: 0.1, memory: 0.1, latencyMs: 1, loss: 0, connectivity: 1 },
  replicas: [],
  probeErrors: 0,
};
const dead: Observation = {
  ...observation,
  replicas: [
    {
      subject: "replica/web/1",
      workload: "web",
      release: { name: "v1", sha256: `0x${"11".repeat(32)}` },
      instance: "web/1",
      alive: false,
      healthy: false,
      latencyMs: null,
      changing: false,
    },
  ],
};

/** The loop of one node over a real chain, which neither votes nor executes. */
async function loopOf(change: Partial<MapekLoopDependencies>) {
  const setting = await createTestDao({ nodes: 3 });
  onTestFinished(() => setting.close());
  const client = setting.client();
  const self = client.account as Address;
  const logger = createLogger("silent", () => undefined);
  const jobs = new BackgroundJobs(logger);
  const clock = systemClock;
  const outbox = await openOutbox({ path: join(temporaryFolder(), "outbox.jsonl"), client, finality: 0 });
  onTestFinished(() => outbox.close());
  const strategies = directStrategies({ self, client, outbox, jobs, logger, anchorEveryMs: HOUR });
  const loop = new MapekLoop({
    client,
    clock,
    observe: async () => observation,
    recorder: new Recorder({ self, clock, outbox, anchoring: strategies.anchoring, jobs, logger }),
    knowledge: new Knowledge(client, undefined),
    attempts: new Attempts({ client, clock, logger }),
    planner: new Planner({ self, client, clock, jobs, logger }),
    voter: { tick: () => undefined },
    executor: { tick: () => undefined },
    strategies,
    policy: PlanDefaults,
    cycleMs: 10,
    logger,
    ...change,
  });
  return { client, jobs, loop };
}

describe("a cycle", () => {
  it("encodes an incident once, from the monitor to the proposal that cites it on chain", async () => {
    const { client, jobs, loop } = await loopOf({ observe: async () => dead });
    // Each encoding of a record checks it against its schema once.
    const checked = vi.spyOn(incidentSchema, "safeParse");
    onTestFinished(() => checked.mockRestore());
    for (let cycle = 0; (await client.listProposals()).length === 0; cycle++) {
      expect(cycle).toBeLessThan(200);
      await loop.cycle(cycle, new AbortController().signal);
      await jobs.settled();
    }
    expect(checked).toHaveBeenCalledTimes(1);
    const [proposal] = await client.listProposals();
    const incident = await client.fetchRecord({ contentId: proposal?.evidence[0] ?? "0x", kind: "Incident" });
    expect(incident).toMatchObject({ author: client.account, value: { subject: "replica/web/1" } });
  });

  it("does nothing but listen while the key runs elsewhere too", async () => {
    const did: string[] = [];
    const { jobs, loop } = await loopOf({
      observe: async () => dead,
      guard: { state: "stopped" },
      sessions: { update: async () => void did.push("sessions") },
      voter: { tick: () => void did.push("voter") },
      executor: { tick: () => void did.push("executor") },
      recorder: {
        record: async () => {
          did.push("recorder");
          return [];
        },
      },
    });
    expect(await loop.cycle(0, new AbortController().signal)).toMatchObject({ state: expect.any(String) });
    await jobs.settled();
    expect(did).toEqual(["sessions"]);
  });

  it("reads the chain once, for all its parts", async () => {
    const { client } = await loopOf({});
    let reads = 0;
    const views = new Set<unknown>();
    const { loop } = await loopOf({
      client: {
        ...client,
        listProposals: (...all) => {
          reads += 1;
          return client.listProposals(...all);
        },
      },
      executor: { tick: (view) => views.add(view) },
      planner: { advance: (view) => views.add(view), open: (_, view) => views.add(view) },
      attempts: {
        due: async (planned, proposals) => {
          expect([...views].map((view) => (view as { proposals: unknown }).proposals)).toContain(proposals);
          return [...planned];
        },
      },
      knowledge: {
        read: async (view) => {
          views.add(view);
          return { acceptedModel: null, flags: new Set(), underWay: new Set(), lastRound: null, replicas: new Map() };
        },
      },
    });
    await loop.cycle(0, new AbortController().signal);
    expect([reads, views.size]).toEqual([1, 1]);
  });
});

describe("the loop", () => {
  /** Runs until `observe` has been called so often. */
  async function run(times: number, change: Partial<MapekLoopDependencies> & { observed?: (cycle: number) => void }) {
    const ending = new AbortController();
    const { observed, ...rest } = change;
    const { loop } = await loopOf({
      ...rest,
      observe: async (cycle) => {
        observed?.(cycle);
        if (cycle + 1 >= times) ending.abort();
        return observation;
      },
    });
    await loop.run(ending.signal);
    return loop;
  }

  it("goes on after a cycle that failed, and says why it did", async () => {
    const errors: (string | undefined)[] = [];
    let loop: MapekLoop | undefined;
    const ending = new AbortController();
    ({ loop } = await loopOf({
      observe: async (cycle) => {
        errors.push(loop?.status.lastError);
        if (cycle === 1) throw new Error("no probe answers");
        if (cycle === 3) ending.abort();
        return observation;
      },
    }));
    await loop.run(ending.signal);
    expect(errors).toEqual([undefined, undefined, "no probe answers", undefined]);
    expect(loop.status).toMatchObject({ cycle: 3, lastError: undefined });
  });

  it("votes and executes, though nothing can be recorded or anchored, and says why", async () => {
    const full = new DiskError("full", "there is no room on the disk");
    const [voted, executed]: [number[], number[]] = [[], []];
    const { loop } = await loopOf({
      recorder: { record: () => Promise.reject(full) },
      voter: { tick: (proposals) => voted.push(proposals.length) },
      executor: { tick: () => executed.push(1) },
    });
    await loop.cycle(0, new AbortController().signal);
    expect([voted, executed]).toEqual([[0], [1]]);
    const status = await run(1, { recorder: { record: () => Promise.reject(full) } });
    expect(status.status).toMatchObject({ cycle: 0, lastError: "there is no room on the disk" });
    expect((await run(2, {})).status.lastError).toBeUndefined();
  });

  it("pauses as long as ever when the wall clock is stepped by an hour in a cycle, back or forth", async () => {
    const clock = new TestClock();
    const pauses: number[] = [];
    const sleep = clock.sleep.bind(clock);
    clock.sleep = (milliseconds, signal) => {
      pauses.push(milliseconds);
      return sleep(0, signal);
    };
    await run(5, { clock, cycleMs: 2_000, observed: (cycle) => clock.stepWall(cycle % 2 === 0 ? -HOUR : HOUR) });
    expect(pauses).toHaveLength(4);
    for (const pause of pauses) expect(pause >= 0 && pause <= 2_000).toBe(true);
  });
});

import { describe, expect, it } from "vitest";
import { FleetError } from "../../../src/engines/fleet/errors.js";
import { type RolloutEntry, RolloutLog } from "../../../src/engines/fleet/log.js";
import type { RolloutPlan } from "../../../src/engines/fleet/plan.js";
import { executeSteps } from "../../../src/engines/fleet/steps.js";
import type { ReplicaStatus, WorkloadSession, WorkloadState } from "../../../src/engines/fleet/types.js";
import type { Clock } from "../../../src/utils/clock.js";
import { frozen, TestClock } from "../../harness/clock.js";

const release = { name: "v2", command: ["node", "web.mjs"], sha256: `0x${"22".repeat(32)}` } as const;
const state: WorkloadState = {
  workload: "web",
  basePort: 9_000,
  replicas: 4,
  current: release,
  good: [],
  rollout: "d",
};
const batch = (...indices: readonly number[]) => indices.map((index) => ({ index, replace: true }));
const planOf = (change: Partial<RolloutPlan>): RolloutPlan => ({
  during: state,
  done: state,
  release,
  removals: [],
  batches: [],
  abort: false,
  skipped: [],
  ...change,
});

interface FleetOptions {
  /** Replicas that die as soon as they are started. */
  readonly dying?: readonly number[];
  /** What starting a replica fails with. */
  readonly refusals?: Readonly<Record<number, Error>>;
  /** Called before a replica is changed. */
  readonly before?: (index: number) => void;
}

/** Replicas in memory, and a journal that outlives the process: {@link execute} is one process's attempt. */
function openFleet({ before = () => undefined, dying = [], refusals = {} }: FleetOptions = {}) {
  const lines: { readonly entry: RolloutEntry }[] = [];
  const done: string[] = [];
  const time = new TestClock(frozen());
  const clock: Clock = {
    now: () => time.now(),
    monotonic: () => time.monotonic(),
    after: (milliseconds, work) => time.after(milliseconds, work),
    sleep: async (milliseconds) => time.pass(milliseconds),
  };
  const session = {
    async openJournal() {
      const append = async (line: { readonly entry: RolloutEntry }) => {
        lines.push(structuredClone(line));
        const { entry } = line;
        done.push(`journal ${entry.step}${"index" in entry ? ` ${entry.index}` : ""}`);
      };
      return { journal: { append, close: async () => undefined }, entries: [...lines] };
    },
    async remove(index: number) {
      before(index);
      done.push(`remove ${index}`);
    },
    async replace(index: number, { name }: { readonly name: string }, step: string) {
      before(index);
      done.push(`start ${index} ${name} ${step}`);
      const refusal = refusals[index];
      if (refusal !== undefined) throw refusal;
    },
    async probe(index: number): Promise<Partial<ReplicaStatus>> {
      const alive = !dying.includes(index);
      return { subject: `replica/web/${index}`, instance: `${index}@1`, alive, healthy: alive };
    },
  } as unknown as WorkloadSession;
  const limits = { minReadyMs: 100, progressDeadlineMs: 1_000, probeEveryMs: 50, clock };
  const execute = (plan: RolloutPlan, signal?: AbortSignal) =>
    RolloutLog.with(
      session,
      "d",
      () => undefined,
      clock,
      (log) => executeSteps(plan, log, session, { ...limits, signal }),
    );
  return {
    execute,
    /** What was done since the last look. */
    did: () => done.splice(0),
    /** The results alone, in their order. */
    async resultsOf(plan: RolloutPlan) {
      return (await execute(plan)).map(({ subject, result }) => `${subject} ${result}`);
    },
  };
}

const notStartable = new FleetError("not-startable", "node cannot be run.");
const busy = new FleetError("not-stoppable", "The old instance does not end.");

describe("the steps of a plan", () => {
  it("are each journalled before they are taken: removals, then batch after batch", async () => {
    const { did, execute } = openFleet();
    await execute(planOf({ removals: [3], batches: [batch(0, 1), batch(2)] }));
    expect(did()).toEqual([
      ...["journal remove 3", "remove 3"],
      ...["journal start 0", "start 0 v2 d/0", "journal start 1", "start 1 v2 d/1", "journal check", "journal checked"],
      ...["journal start 2", "start 2 v2 d/2", "journal check", "journal checked"],
    ]);
  });

  it("give a result for each replica, also for those that the order does not concern", async () => {
    const { execute } = openFleet();
    const skipped = [{ subject: "replica/web/9", result: "skipped", note: "is another's" }] as const;
    const detail = await execute(planOf({ skipped, removals: [3], batches: [batch(0)] }));
    expect(detail).toEqual([
      ...skipped,
      { subject: "replica/web/3", result: "done", note: "stopped" },
      { subject: "replica/web/0", result: "done", note: "healthy as 0@1" },
    ]);
  });

  it("start no replica that runs the release already, but check its health", async () => {
    const { did, resultsOf } = openFleet({ dying: [1] });
    const plan = planOf({ batches: [[{ index: 0, replace: false }], [{ index: 1, replace: false }]] });
    expect(await resultsOf(plan)).toEqual(["replica/web/0 done", "replica/web/1 failed"]);
    expect(did().filter((step) => step.startsWith("start"))).toEqual([]);
  });

  it("do nothing for an empty plan", async () => {
    const { did, execute } = openFleet();
    expect([await execute(planOf({})), did()]).toEqual([[], []]);
  });
});

describe("a batch that fails", () => {
  const plan = planOf({ batches: [batch(0), batch(1, 2), batch(3)] });
  const results = ["replica/web/0 done", "replica/web/1 failed", "replica/web/2 failed"];

  it("leaves the rest untouched if the plan says so, and otherwise is followed by the next", async () => {
    const aborting = openFleet({ dying: [1] });
    expect(await aborting.resultsOf({ ...plan, abort: true })).toEqual([...results, "replica/web/3 skipped"]);
    expect(aborting.did()).not.toContain("start 3 v2 d/3");
    expect(await openFleet({ dying: [1] }).resultsOf(plan)).toEqual([...results, "replica/web/3 done"]);
  });

  it("is not checked if a release cannot be started, and says of which replica that is", async () => {
    const { did, execute } = openFleet({ refusals: { 1: notStartable } });
    const detail = await execute({ ...plan, abort: true });
    expect(detail.map(({ note }) => note)).toEqual([
      "healthy as 0@1",
      "node cannot be run.",
      "not checked: its batch failed",
      "untouched: a batch before it failed",
    ]);
    // The other replica of the batch was started all the same.
    expect(did()).toContain("start 2 v2 d/2");
  });

  it.each([
    ["what may pass", busy],
    ["what nobody expected", new Error("disk full")],
  ])("is not over after %s: the error is thrown, and nothing is journalled as checked", async (_what, refusal) => {
    const { did, execute } = openFleet({ refusals: { 1: refusal } });
    await expect(execute(plan)).rejects.toBe(refusal);
    expect(did().at(-1)).toBe("start 1 v2 d/1");
  });
});

describe("another process that carries on", () => {
  it("takes over the batches that were checked, and begins the one that was not under the same steps", async () => {
    const refusals: Record<number, Error> = { 2: busy };
    const { did, execute } = openFleet({ refusals });
    const plan = planOf({ batches: [batch(0, 1), batch(2)] });
    await expect(execute(plan)).rejects.toBe(busy);
    did();
    delete refusals[2];
    expect((await execute(plan)).map(({ result }) => result)).toEqual(["done", "done", "done"]);
    expect(did()).toEqual(["journal start 2", "start 2 v2 d/2", "journal check", "journal checked"]);
  });

  it("aborts as the first would have, from the journal alone", async () => {
    const { did, resultsOf } = openFleet({ dying: [0] });
    const plan = planOf({ batches: [batch(0), batch(1)], abort: true });
    const first = await resultsOf(plan);
    did();
    expect([await resultsOf(plan), did()]).toEqual([first, []]);
  });
});

describe("an agent that stops", () => {
  it("takes no further step, neither a removal nor a start", async () => {
    const stopping = new AbortController();
    const { did, execute } = openFleet({ before: () => stopping.abort(new Error("the agent stops")) });
    const plan = planOf({ removals: [2, 3], batches: [batch(0, 1)] });
    await expect(execute(plan, stopping.signal)).rejects.toThrow("the agent stops");
    expect(did()).toEqual(["journal remove 2", "remove 2"]);

    const other = new AbortController();
    const started = openFleet({ before: () => other.abort(new Error("the agent stops")) });
    await expect(started.execute(planOf({ batches: [batch(0, 1)] }), other.signal)).rejects.toThrow("the agent stops");
    expect(started.did()).toEqual(["journal start 0", "start 0 v2 d/0"]);
  });
});

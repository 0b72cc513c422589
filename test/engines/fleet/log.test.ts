import { describe, expect, it } from "vitest";
import { type RolloutEntry, RolloutLog } from "../../../src/engines/fleet/log.js";
import type { WorkloadSession } from "../../../src/engines/fleet/types.js";
import { TestClock } from "../../harness/clock.js";

/** A session whose journal is in memory, as a disk that outlives the processes. */
function memorySession() {
  const lines: unknown[] = [];
  let open = 0;
  const session = {
    async openJournal() {
      open += 1;
      const journal = {
        append: async (line: unknown) => void lines.push(line),
        close: async () => {
          open -= 1;
        },
      };
      return { journal, entries: [...lines] };
    },
  } as unknown as WorkloadSession;
  return { session, openJournals: () => open };
}

const started = (index: number): RolloutEntry => ({ step: "start", index });

describe("the log of a rollout", () => {
  it("finds the latest entry of a step, across processes", async () => {
    const { session } = memorySession();
    const clock = new TestClock();
    await RolloutLog.with(
      session,
      "d",
      () => undefined,
      clock,
      async (log) => {
        await log.append(started(0));
        await log.append(started(1));
      },
    );
    await RolloutLog.with(
      session,
      "d",
      () => undefined,
      clock,
      async (log) => {
        expect(log.last("start")).toEqual(started(1));
        expect(log.last("start", ({ index }) => index === 0)).toEqual(started(0));
        expect(log.last("finished")).toBeUndefined();
      },
    );
  });

  it("counts the time that processes worked, not the time between them nor steps of the wall clock", async () => {
    const { session } = memorySession();
    const base = { now: () => 0, monotonic: () => 0, sleep: async () => undefined, after: () => () => undefined };
    const clock = new TestClock(base);
    await RolloutLog.with(
      session,
      "d",
      () => undefined,
      clock,
      async (log) => {
        clock.pass(100);
        clock.stepWall(-3_600_000);
        await log.append(started(0));
      },
    );
    clock.pass(5_000);
    await RolloutLog.with(
      session,
      "d",
      () => undefined,
      clock,
      async (log) => {
        clock.pass(20);
        expect(log.elapsedMs()).toBe(120);
      },
    );
  });

  it("names each step once it is on disk, and closes the journal if the work fails", async () => {
    const { session, openJournals } = memorySession();
    const steps: string[] = [];
    const failing = RolloutLog.with(
      session,
      "d",
      (step) => void steps.push(step),
      new TestClock(),
      async (log) => {
        await log.append({ step: "remove", index: 4 });
        await log.append({ step: "check", batch: 2 });
        throw new Error("killed");
      },
    );
    await expect(failing).rejects.toThrow("killed");
    expect(steps).toEqual(["remove 4", "check batch 2"]);
    expect(openJournals()).toBe(0);
  });
});

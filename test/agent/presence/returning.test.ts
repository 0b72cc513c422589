import { describe, expect, it } from "vitest";
import { BackgroundJobs } from "../../../src/agent/backgroundJobs.js";
import { Returning } from "../../../src/agent/presence/returning.js";
import { createLogger } from "../../../src/utils/logger.js";
import { frozen, TestClock } from "../../harness/clock.js";

function suspendedNode(fails = 0) {
  const clock = new TestClock(frozen());
  const logged: string[] = [];
  const returnedAt: number[] = [];
  const logger = createLogger("info", (line) => logged.push(line));
  const jobs = new BackgroundJobs(logger);
  const returning = new Returning({
    chain: {
      returnNow: async () => {
        returnedAt.push(clock.monotonic());
        if (returnedAt.length <= fails) throw new Error("no chain");
      },
    },
    ...{ clock, jobs, logger },
  });
  return {
    ...{ clock, logged, returnedAt },
    async update(isSuspended: boolean) {
      returning.update(isSuspended);
      await jobs.settled();
    },
  };
}

describe("a node that finds itself suspended", () => {
  it("returns at once, and says so; a node that is not suspended does nothing", async () => {
    const { clock, logged, returnedAt, update } = suspendedNode();
    await update(false);
    expect(returnedAt).toEqual([]);
    clock.pass(1_000);
    await update(true);
    expect(returnedAt).toEqual([1_000]);
    await update(false);
    expect(logged.map((line) => JSON.parse(line).message)).toEqual([
      "this node is suspended, and returns",
      "this node counts again",
    ]);
  });

  it("does not send a second word while the first is not in the snapshot yet, and a new one for a new suspension", async () => {
    const { clock, returnedAt, update } = suspendedNode();
    for (const isSuspended of [true, true, true, false, true]) {
      await update(isSuspended);
      clock.pass(100);
    }
    expect(returnedAt).toEqual([0, 400]);
  });

  it("tries again after pauses that double, up to five minutes", async () => {
    const { clock, returnedAt, update } = suspendedNode(100);
    for (let second = 0; second < 3_000; second++) {
      await update(true);
      clock.pass(1_000);
    }
    const pauses = returnedAt.slice(1).map((at, i) => (at - (returnedAt[i] ?? 0)) / 1_000);
    expect(pauses.slice(0, 8)).toEqual([5, 10, 20, 40, 80, 160, 300, 300]);
  });

  it("sends no second word while one is under way", async () => {
    const clock = new TestClock(frozen());
    let sent = 0;
    let go = () => {};
    const logger = createLogger("silent", () => undefined);
    const jobs = new BackgroundJobs(logger);
    const returning = new Returning({
      chain: {
        returnNow: () => {
          sent++;
          return new Promise<void>((resolve) => {
            go = resolve;
          });
        },
      },
      ...{ clock, jobs, logger },
    });
    returning.update(true);
    clock.pass(600_000);
    returning.update(true);
    expect(sent).toBe(1);
    go();
    await jobs.settled();
  });
});

import { describe, expect, it } from "vitest";
import { Returning } from "../../../src/agent/presence/returning.js";
import { createLogger } from "../../../src/utils/logger.js";
import { frozen, TestClock } from "../../harness/clock.js";

function suspendedNode(fails = 0) {
  const clock = new TestClock(frozen());
  const logged: string[] = [];
  const returnedAt: number[] = [];
  const returning = new Returning({
    chain: {
      returnNow: async () => {
        returnedAt.push(clock.monotonic());
        if (returnedAt.length <= fails) throw new Error("no chain");
      },
    },
    clock,
    logger: createLogger("info", (line) => logged.push(line)),
  });
  return { clock, logged, returnedAt, returning };
}

describe("a node that finds itself suspended", () => {
  it("returns at once, and says so; a node that is not suspended does nothing", async () => {
    const { clock, logged, returnedAt, returning } = suspendedNode();
    await returning.update(false);
    expect(returnedAt).toEqual([]);
    clock.pass(1_000);
    await returning.update(true);
    expect(returnedAt).toEqual([1_000]);
    await returning.update(false);
    expect(logged.map((line) => JSON.parse(line).message)).toEqual([
      "this node is suspended, and returns",
      "this node counts again",
    ]);
  });

  it("does not send a second word while the first is not in the snapshot yet, and a new one for a new suspension", async () => {
    const { clock, returnedAt, returning } = suspendedNode();
    for (const isSuspended of [true, true, true, false, true]) {
      await returning.update(isSuspended);
      clock.pass(100);
    }
    expect(returnedAt).toEqual([0, 400]);
  });

  it("tries again after pauses that double, up to five minutes", async () => {
    const { clock, returnedAt, returning } = suspendedNode(100);
    for (let second = 0; second < 3_000; second++) {
      await returning.update(true);
      clock.pass(1_000);
    }
    const pauses = returnedAt.slice(1).map((at, i) => (at - (returnedAt[i] ?? 0)) / 1_000);
    expect(pauses.slice(0, 8)).toEqual([5, 10, 20, 40, 80, 160, 300, 300]);
  });

  it("sends no second word while one is under way", async () => {
    const clock = new TestClock(frozen());
    let sent = 0;
    let go = () => {};
    const returning = new Returning({
      chain: {
        returnNow: () => {
          sent++;
          return new Promise<void>((resolve) => {
            go = resolve;
          });
        },
      },
      clock,
      logger: createLogger("silent", () => undefined),
    });
    const first = returning.update(true);
    clock.pass(600_000);
    await returning.update(true);
    expect(sent).toBe(1);
    go();
    await first;
  });
});

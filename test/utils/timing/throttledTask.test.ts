import { expect, it, vi } from "vitest";
import type { Clock } from "../../../src/utils/clock.js";
import { ThrottledTask } from "../../../src/utils/timing/throttledTask.js";

/** A clock on which what is scheduled happens when the test says so. */
function manual() {
  const due = new Set<() => void>();
  const after: Clock["after"] = (_, work) => {
    due.add(work);
    return () => due.delete(work);
  };
  const clock: Clock = { now: () => 0, monotonic: () => 0, sleep: async () => undefined, after };
  const run = () => {
    for (const work of [...due]) if (due.delete(work)) work();
  };
  return { clock, run };
}

it("does the work once for all that ask before it begins", () => {
  const { clock, run } = manual();
  const work = vi.fn(async () => undefined);
  const task = new ThrottledTask(work, 10, () => undefined, clock);
  for (let i = 0; i < 3; i++) task.schedule();
  run();
  expect(work).toHaveBeenCalledTimes(1);
  task.schedule();
  run();
  expect(work).toHaveBeenCalledTimes(2);
});

it("begins nothing once it was stopped", () => {
  const { clock, run } = manual();
  const work = vi.fn(async () => undefined);
  const task = new ThrottledTask(work, 10, () => undefined, clock);
  task.schedule();
  task.stop();
  task.schedule();
  run();
  expect(work).not.toHaveBeenCalled();
});

it("reports what the work throws", async () => {
  const { clock, run } = manual();
  const errors: unknown[] = [];
  const task = new ThrottledTask(
    () => Promise.reject(new Error("no")),
    10,
    (error) => errors.push(error),
    clock,
  );
  task.schedule();
  run();
  await vi.waitFor(() => expect(errors).toMatchObject([{ message: "no" }]));
});

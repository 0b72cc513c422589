import { expect, it, vi } from "vitest";
import { systemClock } from "../../src/utils/clock.js";

it("wakes a sleeper with the signal's reason", async () => {
  const controller = new AbortController();
  const sleeping = systemClock.sleep(60_000, controller.signal);
  controller.abort(new Error("enough"));
  await expect(sleeping).rejects.toThrow("enough");
  await expect(systemClock.sleep(0, controller.signal)).rejects.toThrow("enough");
  await systemClock.sleep(0);
});

it("cancels what was to happen later", async () => {
  const work = vi.fn();
  const cancel = systemClock.after(0, work);
  cancel();
  await new Promise<void>((resolve) => void systemClock.after(0, resolve));
  expect(work).not.toHaveBeenCalled();
});

it("gives monotonic time that the wall clock does not move", () => {
  vi.useFakeTimers({ toFake: ["Date"] });
  try {
    const before = systemClock.monotonic();
    vi.setSystemTime(systemClock.now() - 3_600_000);
    expect(systemClock.monotonic()).toBeGreaterThanOrEqual(before);
  } finally {
    vi.useRealTimers();
  }
});

it("waits longer than a timer of Node can, rather than no time at all", () => {
  vi.useFakeTimers();
  try {
    const month = 30 * 86_400_000;
    const work = vi.fn();
    systemClock.after(month, work);
    const cancel = systemClock.after(month, () => expect.unreachable());
    vi.advanceTimersByTime(month - 1);
    expect(work).not.toHaveBeenCalled();
    cancel();
    vi.advanceTimersByTime(1);
    expect(work).toHaveBeenCalledOnce();
  } finally {
    vi.useRealTimers();
  }
});

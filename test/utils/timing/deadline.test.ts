import { getEventListeners } from "node:events";
import { describe, expect, it } from "vitest";
import { ContentError } from "../../../src/ports/content/content.js";
import type { Clock } from "../../../src/utils/clock.js";
import { within } from "../../../src/utils/timing/deadline.js";
import { frozen } from "../../harness/clock.js";

const late = () => new ContentError("timeout", "It is late.");
const never = () => new Promise<never>(() => undefined);

/** A clock whose timers the test fires; `open` are those that have neither been fired nor cancelled. */
function timers() {
  const open = new Set<() => void>();
  const asked: number[] = [];
  const clock: Clock = {
    ...frozen(),
    after(milliseconds, work) {
      asked.push(milliseconds);
      open.add(work);
      return () => open.delete(work);
    },
  };
  return { clock, open, asked };
}

describe("work within a deadline", () => {
  it("gives its result, and leaves neither timer nor listener behind", async () => {
    const { clock, open, asked } = timers();
    const { signal } = new AbortController();
    const result = await within({ timeoutMs: 700, signal, late, clock }, async () => {
      expect([open.size, getEventListeners(signal, "abort").length]).toEqual([1, 1]);
      return "done";
    });
    expect([result, asked]).toEqual(["done", [700]]);
    expect([open.size, getEventListeners(signal, "abort").length]).toEqual([0, 0]);
  });

  it("is given up when the time is over, even if it ignores its signal", async () => {
    const { clock, open } = timers();
    const waiting = within({ timeoutMs: 700, late, clock }, never);
    for (const fire of open) fire();
    await expect(waiting).rejects.toMatchObject({ kind: "timeout", shortMessage: "It is late." });
  });

  it("is given up with the caller's own reason, even if it ignores its signal", async () => {
    const caller = new AbortController();
    const waiting = within({ timeoutMs: 700, signal: caller.signal, late, clock: timers().clock }, never);
    const reason = new Error("enough");
    caller.abort(reason);
    await expect(waiting).rejects.toBe(reason);
  });

  it("does not begin for a caller that has aborted, and sets no timer", async () => {
    const { clock, asked } = timers();
    const reason = new Error("enough");
    let begun = false;
    const waiting = within({ timeoutMs: 700, signal: AbortSignal.abort(reason), late, clock }, async () => {
      begun = true;
    });
    await expect(waiting).rejects.toBe(reason);
    expect([begun, asked]).toEqual([false, []]);
  });

  it.each<[string, () => Promise<unknown>]>([
    ["it succeeds", async () => undefined],
    ["it fails", () => Promise.reject(new Error("broken"))],
  ])("has its signal aborted when %s, so that no part of it goes on", async (_, work) => {
    let inner: AbortSignal | undefined;
    await within({ timeoutMs: 700, late, clock: timers().clock }, (signal) => {
      inner = signal;
      expect(signal.aborted).toBe(false);
      return work();
    }).catch((error: unknown) => expect(error).toMatchObject({ message: "broken" }));
    expect(inner?.aborted).toBe(true);
  });

  it("tells its signal why it ends", async () => {
    const { clock, open } = timers();
    let inner: AbortSignal | undefined;
    const waiting = within({ timeoutMs: 700, late, clock }, (signal) => {
      inner = signal;
      return never();
    });
    for (const fire of open) fire();
    await expect(waiting).rejects.toThrow(ContentError);
    expect(inner?.reason).toMatchObject({ kind: "timeout" });
  });

  it.each([0, -1, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 31])(
    "refuses %d ms, which a timer would end at once",
    async (timeoutMs) => {
      const { clock, asked } = timers();
      await expect(within({ timeoutMs, late, clock }, never)).rejects.toMatchObject({ code: "invalid-input" });
      expect(asked).toEqual([]);
    },
  );

  it.each([0.5, 2 ** 31 - 1])("takes %d ms", async (timeoutMs) => {
    expect(await within({ timeoutMs, late, clock: timers().clock }, async () => 1)).toBe(1);
  });
});

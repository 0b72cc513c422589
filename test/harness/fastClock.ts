import { type Clock, systemClock } from "../../src/utils/clock.js";

/** The system's clock at a multiple of its pace, from some moment on: real servers and chains beside minutes of waiting. */
export function fastClock(pace: number, fromSeconds: number): Clock {
  const start = systemClock.monotonic();
  const monotonic = () => (systemClock.monotonic() - start) * pace;
  return {
    now: () => fromSeconds * 1_000 + monotonic(),
    monotonic,
    sleep: (milliseconds, signal) => systemClock.sleep(milliseconds / pace, signal),
    after: (milliseconds, work) => systemClock.after(milliseconds / pace, work),
  };
}

import { type Clock, systemClock } from "../../src/utils/clock.js";

/** A clock that a test steps: time passes by {@link pass}, and the wall clock alone is set by {@link stepWall}. */
export class TestClock implements Clock {
  readonly #source: Clock;
  #passed = 0;
  #stepped = 0;

  /** @param source Real time by default, to which what passes is added; {@link frozen} for none. */
  constructor(source: Clock = systemClock) {
    this.#source = source;
  }

  now(): number {
    return this.#source.now() + this.#passed + this.#stepped;
  }

  monotonic(): number {
    return this.#source.monotonic() + this.#passed;
  }

  sleep(milliseconds: number, signal?: AbortSignal): Promise<void> {
    return this.#source.sleep(milliseconds, signal);
  }

  after(milliseconds: number, work: () => void): () => void {
    return this.#source.after(milliseconds, work);
  }

  /** Time passes, in milliseconds. */
  pass(milliseconds: number): void {
    this.#passed += milliseconds;
  }

  /** Somebody sets the wall clock, forth or back, in milliseconds; no time passes. */
  stepWall(milliseconds: number): void {
    this.#stepped += milliseconds;
  }
}

/** No time passes by itself, and nobody sleeps. */
export function frozen(wall = 0): Clock {
  return { now: () => wall, monotonic: () => 0, sleep: async () => undefined, after: () => () => undefined };
}

/** A clock on which time passes only by {@link TestClock.pass}, while sleeps and timers end in real time. */
export function stepped(): TestClock {
  const { after, sleep } = systemClock;
  return new TestClock({ ...frozen(), after, sleep });
}

/** A clock on which nobody waits: a sleep lets its time pass at once. */
export class SleeplessClock extends TestClock {
  /** The sleeps so far, in milliseconds. */
  readonly slept: number[] = [];
  /** Called with each sleep. */
  onSleep: () => void = () => undefined;

  constructor(wall = 0) {
    super(frozen(wall));
  }

  override async sleep(milliseconds: number, signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted();
    this.slept.push(milliseconds);
    this.pass(milliseconds);
    this.onSleep();
  }
}

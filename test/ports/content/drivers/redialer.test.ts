import { multiaddr } from "@multiformats/multiaddr";
import { describe, expect, it } from "vitest";
import { createRedialer } from "../../../../src/ports/content/drivers/redialer.js";
import type { Clock } from "../../../../src/utils/clock.js";
import { frozen } from "../../../harness/clock.js";

const [one, two] = [4_001, 4_002].map((port) => multiaddr(`/ip4/127.0.0.1/tcp/${port}`)) as [
  ReturnType<typeof multiaddr>,
  ReturnType<typeof multiaddr>,
];
/** Until all that needs no further time has happened. */
const settled = () => new Promise<void>((resolve) => setImmediate(resolve));

/** Time that passes as the redialer sleeps, up to the moment that the test allows. */
function sleepingClock() {
  let now = 0;
  let allowed = 0;
  let wake: (() => void) | undefined;
  const clock: Clock = {
    ...frozen(),
    monotonic: () => now,
    async sleep(milliseconds, signal) {
      signal?.throwIfAborted();
      while (now + milliseconds > allowed) {
        await new Promise<void>((resolve, reject) => {
          wake = resolve;
          signal?.addEventListener("abort", () => reject(signal.reason), { once: true });
        });
      }
      now += milliseconds;
    },
  };
  return {
    clock,
    async until(moment: number): Promise<void> {
      allowed = moment;
      wake?.();
      await settled();
    },
  };
}

/** A redialer of peers that answer while they are in `up`; a peer that answered stays in `connected`. */
function redialing() {
  const { clock, until } = sleepingClock();
  const up = new Set<string>();
  const connected = new Set<string>();
  const dials: { at: number; to: string }[] = [];
  const errors: unknown[] = [];
  const redialer = createRedialer({
    clock,
    isConnected: (address) => connected.has(`${address}`),
    onError: (error) => errors.push(error),
    async dial(address) {
      dials.push({ at: clock.monotonic(), to: `${address}` });
      if (!up.has(`${address}`)) throw new Error(`${address} is down`);
      connected.add(`${address}`);
    },
  });
  return { redialer, until, up, connected, dials, errors, times: () => dials.map(({ at }) => at) };
}

describe("a redialer", () => {
  it("dials at once, one peer after another with a pause, and no peer that is connected", async () => {
    const { redialer, until, up, dials, errors } = redialing();
    for (const peer of [one, two]) up.add(`${peer}`);
    redialer.add(one);
    redialer.add(two);
    await until(60_000);
    expect(dials).toEqual([
      { at: 0, to: `${one}` },
      { at: 50, to: `${two}` },
    ]);
    expect(errors).toEqual([]);
    await redialer.close();
  });

  it("backs off from a peer that is down, up to a limit, and reports each failure", async () => {
    const { redialer, until, times, errors } = redialing();
    redialer.add(one);
    await until(300_000);
    const pauses = times()
      .slice(1)
      .map((at, i) => at - (times()[i] ?? 0));
    expect(pauses.slice(0, 3)).toEqual([550, 550, 1_050]);
    expect(pauses).toEqual(pauses.toSorted((a, b) => a - b));
    expect(pauses.at(-1)).toBeGreaterThanOrEqual(15_000);
    // The longest back-off, until the next look.
    expect(pauses.at(-1)).toBeLessThanOrEqual(15_000 + 500 + 50);
    expect(errors).toHaveLength(times().length);
    await redialer.close();
  });

  it("dials a peer that is gone again, and forgets that it was once long away", async () => {
    const { redialer, until, up, connected, times } = redialing();
    redialer.add(one);
    await until(300_000);
    up.add(`${one}`);
    await until(320_000);
    expect(connected.has(`${one}`)).toBe(true);
    const before = times().length;

    connected.clear();
    up.clear();
    await until(323_000);
    const [first = 0, second = 0] = times().slice(before);
    expect(first - 320_000).toBeLessThanOrEqual(500);
    expect(second - first).toBe(550);
    await redialer.close();
  });

  it("is not held up by one peer that is down", async () => {
    const { redialer, until, up, connected } = redialing();
    up.add(`${two}`);
    redialer.add(one);
    redialer.add(two);
    await until(50);
    expect([...connected]).toEqual([`${two}`]);
    await redialer.close();
  });

  it("dials an address that was added twice as one", async () => {
    const { redialer, until, up, connected, dials } = redialing();
    up.add(`${one}`);
    redialer.add(one);
    redialer.add(multiaddr(`${one}`));
    await until(10_000);
    expect(dials).toHaveLength(1);
    connected.clear();
    await until(20_000);
    expect(dials).toHaveLength(2);
    await redialer.close();
  });

  it("ends the dial that runs when it is closed, reports nothing of it, and dials no more", async () => {
    const { clock, until } = sleepingClock();
    const errors: unknown[] = [];
    const dialled: AbortSignal[] = [];
    const redialer = createRedialer({
      clock,
      isConnected: () => false,
      onError: (error) => errors.push(error),
      dial: (_, signal) =>
        new Promise((_resolve, reject) => {
          dialled.push(signal);
          signal.addEventListener("abort", () => reject(new Error("cut off")));
        }),
    });
    redialer.add(one);
    await settled();
    expect(dialled.map(({ aborted }) => aborted)).toEqual([false]);
    await redialer.close();
    expect([dialled.map(({ aborted }) => aborted), errors]).toEqual([[true], []]);
    redialer.add(two);
    await until(60_000);
    expect(dialled).toHaveLength(1);
  });

  it("is closed at once if it has never dialled", async () => {
    await expect(redialing().redialer.close()).resolves.toBeUndefined();
  });
});

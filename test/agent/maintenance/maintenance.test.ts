import { expect, it, onTestFinished } from "vitest";
import { Maintenance, type MaintenanceParameters, nextSlot } from "../../../src/agent/maintenance/maintenance.js";
import type { ContentMaintenance } from "../../../src/ports/content/index.js";
import type { Address } from "../../../src/records/index.js";
import { type Clock, systemClock } from "../../../src/utils/clock.js";
import { createLogger } from "../../../src/utils/logger.js";
import { operatorKey } from "../../harness/deploy.js";
import { temporaryFolder } from "../../harness/folder.js";
import { patience } from "../../harness/patience.js";
import { alterOnDisk, bytesOf, openDisk, startNode } from "../../ports/content/contentNodes.js";

const self = operatorKey(0).address as Address;
const HOUR = 3_600_000;

/** Time that passes only when somebody waits for it, so that days are over in a moment. */
function quickClock(): Clock {
  let now = 1_800_000_000_000;
  return {
    ...systemClock,
    now: () => now,
    monotonic: () => now,
    async sleep(milliseconds, signal) {
      await new Promise((resolve) => setImmediate(resolve));
      signal?.throwIfAborted();
      now += milliseconds;
    },
  };
}

interface Running {
  readonly maintenance: Maintenance;
  readonly logs: string[];
  stop(): Promise<void>;
}

/** Runs until the test ends. */
function maintain(store: MaintenanceParameters["store"], change: Partial<MaintenanceParameters> = {}): Running {
  const logs: string[] = [];
  const logger = createLogger("debug", (line) => logs.push(line));
  const maintenance = new Maintenance({
    store,
    self,
    clock: systemClock,
    logger,
    gcEveryMs: 0,
    graceMs: 0,
    scrubEveryMs: 0,
    ...change,
  });
  const stopping = new AbortController();
  const running = maintenance.run(stopping.signal);
  const stop = () => {
    stopping.abort();
    return running;
  };
  onTestFinished(stop);
  return { maintenance, logs, stop };
}

it("collects what nothing keeps and is older than the grace period, by itself", async () => {
  const store = await openDisk(temporaryFolder());
  const kept = await store.put(bytesOf(100, 1), { keep: "record" });
  const loose = await store.put(bytesOf(200, 2));
  const { maintenance } = maintain(store, { gcEveryMs: 50, graceMs: 60_000 });
  await expect.poll(() => maintenance.state.lastGc, patience).toMatchObject({ kept: 1, spared: 1, removed: 0 });
  expect(await store.has(loose)).toBe(true);

  const second = maintain(store, { gcEveryMs: 50 });
  await expect.poll(() => second.maintenance.state.lastGc, patience).toMatchObject({ kept: 1, spared: 0 });
  expect([await store.has(kept), await store.has(loose)]).toEqual([true, false]);
  expect(second.maintenance.state.failing).toEqual([]);
});

it("finds a block that was damaged on the disk, and has it back from a peer", async () => {
  const dir = temporaryFolder();
  const bytes = bytesOf(5_000);
  const before = await openDisk(dir);
  const cid = await before.put(bytes, { keep: "record" });
  const others = Array.from({ length: 598 }, (_, i) => bytesOf(300, i + 2));
  await Promise.all(others.map((each) => before.put(each, { keep: "record" })));
  await before.close();
  await alterOnDisk(dir, cid);

  const peer = await startNode();
  await peer.put(bytes);
  const store = await startNode({ dir, peers: peer.multiaddrs() });
  await expect.poll(() => store.connections(), patience).toBe(1);
  const { maintenance } = maintain(store, { scrubEveryMs: 100 });
  await expect
    .poll(() => maintenance.state.lastScrub, patience)
    .toMatchObject({ checked: 599, bad: 1, healed: 1, missing: 0, at: expect.any(Number) });
  await peer.close();
  expect(await store.get(cid)).toEqual(bytes);
  await expect.poll(() => maintenance.state.lastScrub, patience).toMatchObject({ checked: 599, bad: 0 });
});

it("says what is lost if no peer can be reached, and collects nothing that may hang below it", async () => {
  const dir = temporaryFolder();
  const before = await openDisk(dir);
  const { cid } = await before.putFile([bytesOf(3_000_000)], { keep: "model" });
  await before.put(bytesOf(200, 2));
  await before.close();
  await alterOnDisk(dir, cid);
  const store = await startNode({
    dir,
    peers: ["/ip4/127.0.0.1/tcp/9/p2p/12D3KooWKRyzVWW6ChFjQjK4miCty85Niy48tpPV95XdKu1BcvMA"],
  });
  const { maintenance, logs } = maintain(store, { scrubEveryMs: 100, gcEveryMs: 100 });
  await expect.poll(() => maintenance.state.lastScrub, patience).toMatchObject({ missing: 1, healed: 0 });
  await expect.poll(() => maintenance.state.lastGc, patience).toMatchObject({ missing: 1, removed: 0 });
  expect(logs.join()).toContain(cid);
  expect(maintenance.state.failing).toEqual([]);
});

it("ends in the middle of a scrub and of a collection, and leaves the store as it was", async () => {
  const store = await openDisk(temporaryFolder());
  for (let seed = 1; seed <= 2_000; seed++) void store.put(bytesOf(500, seed), { keep: "record" });
  await store.put(bytesOf(1), { keep: "record" });
  let resting: () => void = () => undefined;
  const inTheMiddle = new Promise<void>((resolve) => {
    resting = resolve;
  });
  let isScrubbing = false;
  const scrubbed: MaintenanceParameters["store"] = {
    gc: (options) => store.gc(options),
    scrub: (options) => {
      isScrubbing = true;
      return store.scrub(options);
    },
  };
  const clock: Clock = {
    ...systemClock,
    // It rests for an hour in the middle of a scrub.
    sleep: (ms, signal) => {
      if (isScrubbing) resting();
      return systemClock.sleep(isScrubbing ? HOUR : ms, signal);
    },
  };
  const { maintenance, stop } = maintain(scrubbed, { clock, scrubEveryMs: 50 });
  await inTheMiddle;
  await stop();
  expect(maintenance.state).toEqual({ lastGc: null, lastScrub: null, failing: [] });

  const ending = maintain(store, { gcEveryMs: 10 });
  await ending.stop();
  await store.close();
});

it("tries again what failed, says so, and goes on with the rest", async () => {
  const store = await openDisk(temporaryFolder());
  let failures = 3;
  const failing: MaintenanceParameters["store"] = {
    gc: (options) => (failures-- > 0 ? Promise.reject(new Error("the disk is full")) : store.gc(options)),
    scrub: (options) => store.scrub(options),
  };
  const states: string[] = [];
  const clock = quickClock();
  const { maintenance, logs } = maintain(failing, { clock, gcEveryMs: 6 * HOUR, scrubEveryMs: 24 * HOUR });
  await expect
    .poll(
      () => {
        states.push(JSON.stringify(maintenance.state.failing));
        return maintenance.state.lastGc;
      },
      { ...patience, interval: 1 },
    )
    .toMatchObject({ removed: 0, missing: 0 });
  await expect.poll(() => maintenance.state.lastScrub, patience).toMatchObject({ bad: 0 });
  expect(logs.filter((line) => line.includes("the disk is full"))).toHaveLength(3);
  expect(maintenance.state.failing).toEqual([]);
});

it("never collects and scrubs at once: a collection that is due runs between two stretches of a scrub", async () => {
  const clock = quickClock();
  let under: string[] = [];
  let together = 0;
  const order: string[] = [];
  const alone = async <T>(what: string, work: () => Promise<T>): Promise<T> => {
    under = [...under, what];
    order.push(what);
    // A collection begins while a scrub rests, and the scrub does not go on before it has ended.
    try {
      return await work();
    } finally {
      under = under.filter((each) => each !== what);
    }
  };
  const store: MaintenanceParameters["store"] = {
    gc: () =>
      alone("gc", async () => {
        await clock.sleep(1_000);
        return { dryRun: false, pins: 0, kept: 0, spared: 0, removed: 0, removedBytes: 0, missing: [] };
      }),
    scrub: ({ pause } = {}) =>
      alone("scrub", async () => {
        for (let block = 0; block < 200; block++) {
          if (under.includes("gc")) together += 1;
          // Each block takes a minute: a scrub of hours.
          await clock.sleep(60_000);
          await pause?.();
        }
        return { blocks: 200, bytes: 0, bad: 0, healed: 0, lost: [] };
      }),
  };
  const { maintenance } = maintain(store, { clock, gcEveryMs: HOUR, scrubEveryMs: 12 * HOUR });
  await expect.poll(() => maintenance.state.lastScrub, { ...patience, interval: 1 }).not.toBeNull();
  const scrubAt = order.indexOf("scrub");
  expect(order.slice(scrubAt + 1, scrubAt + 4)).toEqual(["gc", "gc", "gc"]);
  expect(together).toBe(0);
});

it("does nothing if both are turned off", async () => {
  const never: Pick<ContentMaintenance, "gc" | "scrub"> = {
    gc: () => Promise.reject(new Error("it collects")),
    scrub: () => Promise.reject(new Error("it scrubs")),
  };
  const { maintenance, stop } = maintain(never, { clock: quickClock() });
  await stop();
  expect(maintenance.state).toEqual({ lastGc: null, lastScrub: null, failing: [] });
});

it("spreads the nodes over the period, each at the same place in every one, whenever it was started", () => {
  const operators = Array.from({ length: 500 }, (_, i) => `0x${i.toString(16).padStart(40, "0")}` as Address);
  const now = 1_800_000_000_000;
  const slots = operators.map((operator) => nextSlot(now, 24 * HOUR, "scrub", operator));
  const hours = new Array<number>(24).fill(0);
  for (const slot of slots) {
    expect(slot).toBeGreaterThan(now);
    expect(slot).toBeLessThanOrEqual(now + 24 * HOUR);
    const hour = Math.floor((slot - now - 1) / HOUR);
    hours[hour] = (hours[hour] ?? 0) + 1;
  }
  expect(Math.max(...hours)).toBeLessThan(50);
  expect(Math.min(...hours)).toBeGreaterThan(5);
  const [slot = 0] = slots;
  const [first] = operators as [Address];
  expect(nextSlot(slot - 1, 24 * HOUR, "scrub", first)).toBe(slot);
  expect(nextSlot(slot, 24 * HOUR, "scrub", first)).toBe(slot + 24 * HOUR);
  expect(nextSlot(slot + 5 * HOUR, 24 * HOUR, "scrub", first)).toBe(slot + 24 * HOUR);
  expect(nextSlot(now, 24 * HOUR, "gc", first)).not.toBe(slot);
});

it.each([-HOUR, HOUR])("collects as often as before when the wall clock is stepped by %i ms", async (step) => {
  const quick = quickClock();
  let stepped = 0;
  const clock: Clock = { ...quick, now: () => quick.now() + stepped };
  const collectedAt: number[] = [];
  const store: MaintenanceParameters["store"] = {
    async gc() {
      collectedAt.push(clock.monotonic());
      if (collectedAt.length === 2) stepped = step;
      return { dryRun: false, pins: 0, kept: 0, spared: 0, removed: 0, removedBytes: 0, missing: [] };
    },
    scrub: () => Promise.reject(new Error("it scrubs")),
  };
  maintain(store, { clock, gcEveryMs: 6 * HOUR });
  await expect.poll(() => collectedAt.length, { ...patience, interval: 1 }).toBeGreaterThan(5);
  const pauses = collectedAt.slice(1, 5).map((at, i) => at - (collectedAt[i] ?? 0));
  // Slots follow the wall clock: one pause differs by the step, and none is longer than the period.
  for (const pause of pauses) expect(pause > 0 && pause <= 6 * HOUR).toBe(true);
});

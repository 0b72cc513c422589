import { expect, it, onTestFinished } from "vitest";
import { Maintenance, type MaintenanceParameters, nextSlot } from "../../../src/agent/maintenance/maintenance.js";
import type { ContentMaintenance } from "../../../src/ports/content/index.js";
import type { Address } from "../../../src/records/index.js";
import { type Clock, systemClock } from "../../../src/utils/clock.js";
import { createLogger } from "../../../src/utils/logger.js";
import { operatorKey } from "../../fixtures/deploy.js";
import { alterOnDisk, bytesOf, disk, folder, node } from "../../ports/content/setting.js";
import { patience } from "../council.js";

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
  readonly upkeep: Maintenance;
  readonly logs: string[];
  stop(): Promise<void>;
}

/** Runs until the test ends. */
function keepUp(store: MaintenanceParameters["store"], change: Partial<MaintenanceParameters> = {}): Running {
  const logs: string[] = [];
  const logger = createLogger("debug", (line) => logs.push(line));
  const upkeep = new Maintenance({
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
  const running = upkeep.run(stopping.signal);
  const stop = () => {
    stopping.abort();
    return running;
  };
  onTestFinished(stop);
  return { upkeep, logs, stop };
}

it("collects what nothing keeps and is older than the grace period, by itself", async () => {
  const store = await disk(await folder());
  const kept = await store.put(bytesOf(100, 1), { keep: "record" });
  const loose = await store.put(bytesOf(200, 2));
  const { upkeep } = keepUp(store, { gcEveryMs: 50, graceMs: 60_000 });
  await expect.poll(() => upkeep.state.lastGc, patience).toMatchObject({ kept: 1, spared: 1, removed: 0 });
  expect(await store.has(loose)).toBe(true);

  const second = keepUp(store, { gcEveryMs: 50 });
  await expect.poll(() => second.upkeep.state.lastGc, patience).toMatchObject({ kept: 1, spared: 0 });
  expect([await store.has(kept), await store.has(loose)]).toEqual([true, false]);
  expect(second.upkeep.state.failing).toEqual([]);
});

it("finds a block that was damaged on the disk, and has it back from a peer", async () => {
  const dir = await folder();
  const bytes = bytesOf(5_000);
  const before = await disk(dir);
  const cid = await before.put(bytes, { keep: "record" });
  const others = Array.from({ length: 598 }, (_, i) => bytesOf(300, i + 2));
  await Promise.all(others.map((each) => before.put(each, { keep: "record" })));
  await before.close();
  await alterOnDisk(dir, cid);

  const peer = await node();
  await peer.put(bytes);
  const store = await node({ dir, peers: peer.multiaddrs() });
  await expect.poll(() => store.connections(), patience).toBe(1);
  const { upkeep } = keepUp(store, { scrubEveryMs: 100 });
  await expect
    .poll(() => upkeep.state.lastScrub, patience)
    .toMatchObject({ checked: 599, bad: 1, healed: 1, missing: 0, at: expect.any(Number) });
  await peer.close();
  expect(await store.get(cid)).toEqual(bytes);
  await expect.poll(() => upkeep.state.lastScrub, patience).toMatchObject({ checked: 599, bad: 0 });
});

it("says what is lost where no peer can be reached, and collects nothing that may hang below it", async () => {
  const dir = await folder();
  const before = await disk(dir);
  const { cid } = await before.putFile([bytesOf(3_000_000)], { keep: "model" });
  await before.put(bytesOf(200, 2));
  await before.close();
  await alterOnDisk(dir, cid);
  const store = await node({
    dir,
    peers: ["/ip4/127.0.0.1/tcp/9/p2p/12D3KooWKRyzVWW6ChFjQjK4miCty85Niy48tpPV95XdKu1BcvMA"],
  });
  const { upkeep, logs } = keepUp(store, { scrubEveryMs: 100, gcEveryMs: 100 });
  await expect.poll(() => upkeep.state.lastScrub, patience).toMatchObject({ missing: 1, healed: 0 });
  await expect.poll(() => upkeep.state.lastGc, patience).toMatchObject({ missing: 1, removed: 0 });
  expect(logs.join()).toContain(cid);
  expect(upkeep.state.failing).toEqual([]);
});

it("ends in the middle of a scan and of a collection, and leaves the store as it was", async () => {
  const store = await disk(await folder());
  for (let seed = 1; seed <= 2_000; seed++) void store.put(bytesOf(500, seed), { keep: "record" });
  await store.put(bytesOf(1), { keep: "record" });
  let rests = 0;
  let resting: () => void = () => undefined;
  const inTheMiddle = new Promise<void>((resolve) => {
    resting = resolve;
  });
  const clock: Clock = {
    ...systemClock,
    // The first sleep is until the scan is due; the next are rests within it.
    sleep: (ms, signal) => {
      if (rests++ > 0) resting();
      return systemClock.sleep(rests > 1 ? HOUR : Math.min(ms, 10), signal);
    },
  };
  const { upkeep, stop } = keepUp(store, { clock, scrubEveryMs: 50 });
  await inTheMiddle;
  await stop();
  expect(upkeep.state).toEqual({ lastGc: null, lastScrub: null, failing: [] });

  const ending = keepUp(store, { gcEveryMs: 10 });
  await ending.stop();
  await store.close();
});

it("tries again what failed, says so, and goes on with the rest", async () => {
  const store = await disk(await folder());
  let failures = 3;
  const failing: MaintenanceParameters["store"] = {
    gc: (options) => (failures-- > 0 ? Promise.reject(new Error("the disk is full")) : store.gc(options)),
    scrub: (options) => store.scrub(options),
  };
  const states: string[] = [];
  const clock = quickClock();
  const { upkeep, logs } = keepUp(failing, { clock, gcEveryMs: 6 * HOUR, scrubEveryMs: 24 * HOUR });
  await expect
    .poll(
      () => {
        states.push(JSON.stringify(upkeep.state.failing));
        return upkeep.state.lastGc;
      },
      { ...patience, interval: 1 },
    )
    .toMatchObject({ removed: 0, missing: 0 });
  await expect.poll(() => upkeep.state.lastScrub, patience).toMatchObject({ bad: 0 });
  expect(logs.filter((line) => line.includes("the disk is full"))).toHaveLength(3);
  expect(upkeep.state.failing).toEqual([]);
});

it("never collects and scans at once: a collection that is due goes between two stretches of a scan", async () => {
  const clock = quickClock();
  let under: string[] = [];
  let together = 0;
  const order: string[] = [];
  const alone = async <T>(what: string, work: () => Promise<T>): Promise<T> => {
    under = [...under, what];
    order.push(what);
    // A collection begins while a scan rests, and the scan does not go on before it has ended.
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
          // Each block takes a minute: a scan of hours.
          await clock.sleep(60_000);
          await pause?.();
        }
        return { blocks: 200, bytes: 0, bad: 0, healed: 0, lost: [] };
      }),
  };
  const { upkeep } = keepUp(store, { clock, gcEveryMs: HOUR, scrubEveryMs: 12 * HOUR });
  await expect.poll(() => upkeep.state.lastScrub, { ...patience, interval: 1 }).not.toBeNull();
  const scrubAt = order.indexOf("scrub");
  expect(order.slice(scrubAt + 1, scrubAt + 4)).toEqual(["gc", "gc", "gc"]);
  expect(together).toBe(0);
});

it("does nothing where both are turned off", async () => {
  const never: Pick<ContentMaintenance, "gc" | "scrub"> = {
    gc: () => Promise.reject(new Error("it collects")),
    scrub: () => Promise.reject(new Error("it scans")),
  };
  const { upkeep, stop } = keepUp(never, { clock: quickClock() });
  await stop();
  expect(upkeep.state).toEqual({ lastGc: null, lastScrub: null, failing: [] });
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

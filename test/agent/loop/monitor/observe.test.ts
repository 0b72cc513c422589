import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { createMachineProbe } from "../../../../src/agent/loop/monitor/machine.js";
import { createObserve } from "../../../../src/agent/loop/monitor/observe.js";
import { systemClock } from "../../../../src/utils/clock.js";
import { replica, wellMachine } from "../../../policy/world.js";

/** A folder like /proc: what Linux writes there, with numbers of ours. */
async function procFolder() {
  const dir = await mkdtemp(join(tmpdir(), "witan-proc-"));
  onTestFinished(() => rm(dir, { recursive: true }));
  return {
    dir,
    /** user nice system idle iowait irq softirq steal guest */
    stat: (ticks: string) => writeFile(join(dir, "stat"), `cpu  ${ticks}\ncpu0 ${ticks}\nintr 1\n`),
    memory: (text: string) => writeFile(join(dir, "meminfo"), text),
  };
}

describe("the machine probe", () => {
  it("reads the processors' share since its last look, and the memory that is not to be had", async () => {
    const proc = await procFolder();
    await proc.memory("MemTotal:       16000 kB\nMemFree:         1000 kB\nMemAvailable:    4000 kB\n");
    await proc.stat("100 0 100 700 100 0 0 0 50");
    const probe = createMachineProbe(proc.dir);
    expect(await probe()).toEqual({ cpu: 0.2, memory: 0.75 });
    // 60 busy ticks of 100 more; guest time is in user already.
    await proc.stat("140 10 105 730 110 2 2 1 90");
    expect((await probe()).cpu).toBeCloseTo(0.6);
    // No tick has passed.
    expect((await probe()).cpu).toBe(0);
  });

  it("says 0 where the memory is not told, and never leaves 0 to 1", async () => {
    const proc = await procFolder();
    await proc.memory("SwapTotal: 1 kB\n");
    await proc.stat("100 0 0 0 0 0 0 0");
    const probe = createMachineProbe(proc.dir);
    expect(await probe()).toEqual({ cpu: 1, memory: 0 });
    // Idle time may run backwards on some machines.
    await proc.stat("300 0 0 -100 0 0 0 0");
    expect((await probe()).cpu).toBe(1);
  });

  it("takes what Node knows where there is no /proc", async () => {
    const { cpu, memory } = await createMachineProbe("/nowhere")();
    for (const share of [cpu, memory]) expect(share >= 0 && share <= 1).toBe(true);
    expect(memory).toBeGreaterThan(0);
  });

  it("fails where /proc is there and cannot be read", async () => {
    const proc = await procFolder();
    await mkdir(join(proc.dir, "stat"));
    await proc.memory("MemTotal: 1 kB\n");
    await expect(createMachineProbe(proc.dir)()).rejects.toThrow("EISDIR");
  });

  it("reads this machine", async () => {
    const probe = createMachineProbe();
    const { cpu, memory } = await probe();
    for (const share of [cpu, memory]) expect(share >= 0 && share <= 1).toBe(true);
  });
});

describe("an observation", () => {
  it("takes loss over the last twenty looks, and latency from the replicas or else from the look itself", async () => {
    let now = 1_000;
    let answers = true;
    let seen = [replica(1, { latencyMs: 9 }), replica(2, { latencyMs: 2 }), replica(3, { latencyMs: null })];
    const observe = createObserve({
      clock: { ...systemClock, now: () => now, monotonic: () => now },
      machine: async () => {
        now += 40;
        return { cpu: wellMachine.cpu, memory: wellMachine.memory };
      },
      connectivity: () => 0.5,
      ping: () => (answers ? Promise.resolve() : Promise.reject(new Error("no chain"))),
      replicas: async () => seen,
    });
    expect(await observe(3)).toEqual({
      cycle: 3,
      machine: { ...wellMachine, connectivity: 0.5, latencyMs: 9 },
      replicas: seen,
      probeErrors: 0,
    });
    seen = [];
    answers = false;
    expect(await observe(4)).toMatchObject({ machine: { loss: 0.5, latencyMs: 40 }, probeErrors: 1 });
    answers = true;
    for (let cycle = 5; cycle < 23; cycle++) await observe(cycle);
    expect((await observe(23)).machine.loss).toBe(0.05);
    expect((await observe(24)).machine.loss).toBe(0);
  });
});

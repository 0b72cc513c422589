import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { createMachineProbe } from "../../../../src/agent/loop/monitor/machine.js";

/** A folder like Linux's /proc, with numbers that the test sets. */
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
  it("reads the processors' share since its last call, and the share of memory in use", async () => {
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

  it("says 0 if the memory is not told, and never leaves 0 to 1", async () => {
    const proc = await procFolder();
    await proc.memory("SwapTotal: 1 kB\n");
    await proc.stat("100 0 0 0 0 0 0 0");
    const probe = createMachineProbe(proc.dir);
    expect(await probe()).toEqual({ cpu: 1, memory: 0 });
    // Idle time may run backwards on some machines.
    await proc.stat("300 0 0 -100 0 0 0 0");
    expect((await probe()).cpu).toBe(1);
  });

  it("takes what Node knows if there is no /proc", async () => {
    const { cpu, memory } = await createMachineProbe("/nowhere")();
    for (const share of [cpu, memory]) expect(share >= 0 && share <= 1).toBe(true);
    expect(memory).toBeGreaterThan(0);
  });

  it("fails if /proc exists and cannot be read", async () => {
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

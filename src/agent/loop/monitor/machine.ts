import { readFile } from "node:fs/promises";
import { availableParallelism, freemem, loadavg, totalmem } from "node:os";
import { join } from "node:path";

/** How busy this machine is. Shares are 0 to 1. */
export interface MachineLoad {
  /** The share of all processors' time in use since the probe's last call; since boot in its first. */
  readonly cpu: number;
  readonly memory: number;
}

export type MachineProbe = () => Promise<MachineLoad>;

interface CpuTimes {
  readonly busy: number;
  readonly all: number;
}

/** Reads Linux's /proc; on other systems the load average and the memory that Node reports. */
export function createMachineProbe(procDir = "/proc"): MachineProbe {
  let last: CpuTimes = { busy: 0, all: 0 };
  return async () => {
    const [stat, meminfo] = await Promise.all([readProc(procDir, "stat"), readProc(procDir, "meminfo")]);
    if (stat === undefined || meminfo === undefined) {
      const load = loadavg()[0] ?? 0;
      return { cpu: clamp(load / availableParallelism()), memory: clamp(1 - freemem() / totalmem()) };
    }
    const now = cpuTimes(stat);
    const passed = now.all - last.all;
    const cpu = passed > 0 ? (now.busy - last.busy) / passed : 0;
    last = now;
    const total = kilobytes(meminfo, "MemTotal");
    return { cpu: clamp(cpu), memory: total > 0 ? clamp(1 - kilobytes(meminfo, "MemAvailable") / total) : 0 };
  };
}

async function readProc(procDir: string, name: string): Promise<string | undefined> {
  try {
    return await readFile(join(procDir, name), "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}

/** The first line of /proc/stat: user nice system idle iowait irq softirq steal, in ticks. */
function cpuTimes(stat: string): CpuTimes {
  const ticks = (stat.split("\n")[0] ?? "").trim().split(/\s+/).slice(1, 9).map(Number);
  const all = ticks.reduce((sum, value) => sum + value, 0);
  const idle = (ticks[3] ?? 0) + (ticks[4] ?? 0);
  return { all, busy: all - idle };
}

function kilobytes(meminfo: string, key: string): number {
  return Number(new RegExp(`^${key}:\\s+(\\d+)`, "m").exec(meminfo)?.[1] ?? 0);
}

function clamp(share: number): number {
  return Math.min(1, Math.max(0, share));
}

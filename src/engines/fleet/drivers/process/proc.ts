import { existsSync } from "node:fs";
import { readdir, readFile } from "node:fs/promises";
import { ConfigError } from "../../../../errors.js";

/** Linux reports process times in ticks of 1/100 s to user space (USER_HZ), whatever the kernel's own rate. */
const TICKS_PER_SECOND = 100;

/** What /proc says about one process. */
export interface ProcessFacts {
  readonly pid: number;
  /** Ticks since boot. With the pid it identifies a process for ever: a pid is reused, the pair is not. */
  readonly startTime: string;
  readonly processGroup: number;
  /** A zombie is dead: it runs nothing and waits for its parent to reap it. */
  readonly zombie: boolean;
  /** Seconds of one core, user and system. */
  readonly cpuSeconds: number;
}

/** `${pid}@${start time}`: identifies one process even after its pid is reused. */
export type InstanceId = string;

/** @throws {ConfigError} if there is no /proc. */
export function requireProc(): void {
  if (existsSync("/proc/self/stat")) return;
  throw new ConfigError("Workloads of local processes need Linux with /proc mounted.", {
    hints: ["Run the agent on Linux, or choose another driver for the workload."],
  });
}

/** The facts of a process; undefined if it does not exist. */
export async function readProcess(pid: number): Promise<ProcessFacts | undefined> {
  const text = await readProc(pid, "stat");
  if (text === undefined) return undefined;
  // The name in parentheses may itself hold spaces and parentheses: the fields are counted from its end.
  const fields = text
    .slice(text.lastIndexOf(")") + 2)
    .trim()
    .split(" ");
  return {
    pid,
    zombie: fields[0] === "Z" || fields[0] === "X",
    processGroup: Number(fields[2]),
    cpuSeconds: (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND,
    startTime: fields[19] ?? "",
  };
}

export function instanceIdOf({ pid, startTime }: Pick<ProcessFacts, "pid" | "startTime">): InstanceId {
  return `${pid}@${startTime}`;
}

/** The facts of the process that `id` identifies; undefined if it is dead, even if its pid was reused. */
export async function readInstance(id: InstanceId): Promise<ProcessFacts | undefined> {
  const [pid, startTime] = id.split("@");
  const facts = await readProcess(Number(pid));
  return facts && !facts.zombie && facts.startTime === startTime ? facts : undefined;
}

/** The instance id of this process. */
export async function ownInstanceId(): Promise<InstanceId> {
  const facts = await readProcess(process.pid);
  if (!facts) throw new ConfigError("This process cannot read its own entry in /proc.");
  return instanceIdOf(facts);
}

/** Resident memory in bytes; 0 if the process has ended. */
export async function residentBytes(pid: number): Promise<number> {
  const kilobytes = /^VmRSS:\s+(\d+) kB$/m.exec((await readProc(pid, "status")) ?? "")?.[1];
  return Number(kilobytes ?? 0) * 1024;
}

/** Seconds since boot, on the same clock as start times. */
export async function uptimeSeconds(): Promise<number> {
  return Number((await readFile("/proc/uptime", "utf8")).split(" ")[0]);
}

/** Seconds since boot at which a process started. */
export function startedSeconds({ startTime }: ProcessFacts): number {
  return Number(startTime) / TICKS_PER_SECOND;
}

/** Living processes whose environment, as it was at their start, holds all of `variables`. Only those of this user can be read. */
export async function processesWith(variables: Readonly<Record<string, string>>): Promise<ProcessFacts[]> {
  const wanted = Object.entries(variables).map(([name, value]) => `${name}=${value}`);
  const pids = (await readdir("/proc")).filter((entry) => /^\d+$/.test(entry)).map(Number);
  const found: ProcessFacts[] = [];
  for (const pid of pids) {
    const environment = new Set((await readProc(pid, "environ"))?.split("\0"));
    if (!wanted.every((variable) => environment.has(variable))) continue;
    const facts = await readProcess(pid);
    if (facts && !facts.zombie) found.push(facts);
  }
  return found;
}

/** A file of a process; undefined if the process has ended or belongs to another user. */
async function readProc(pid: number, file: string): Promise<string | undefined> {
  try {
    return await readFile(`/proc/${pid}/${file}`, "utf8");
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === "ENOENT" || code === "ESRCH" || code === "EACCES" || code === "EPERM") return undefined;
    throw error;
  }
}

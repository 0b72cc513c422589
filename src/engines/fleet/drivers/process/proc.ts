import { existsSync, readFileSync } from "node:fs";
import { readdir, readFile, readlink } from "node:fs/promises";
import pMap from "p-map";
import { ConfigError } from "../../../../errors.js";

/** Linux reports process times in ticks of 1/100 s to user space (USER_HZ), whatever the kernel's own rate. */
const TICKS_PER_SECOND = 100;

/** Processes that are read at once: one by one, a machine with many is searched for seconds while it is busy. */
const MAX_CONCURRENT_READS = 16;

/** What /proc says about one process. */
export interface ProcessFacts {
  readonly pid: number;
  /** Ticks since boot. With the pid it identifies a process until the next boot: a pid is reused, the pair is not. */
  readonly startTime: string;
  readonly processGroup: number;
  /** The pid of the process that called setsid(2) for it or for an ancestor. No process gets this pid while the session lasts. */
  readonly session: number;
  /** It is dead: it runs nothing and waits for its parent to reap it. */
  readonly zombie: boolean;
  /** Its leading thread has exited and others still run: to its parent it looks like a zombie. */
  readonly leaderExited: boolean;
  /** Seconds of one core, user and system. */
  readonly cpuSeconds: number;
}

/**
 * `${pid}@${start time}@${boot}`: identifies one process even after its pid is reused, or the machine was booted. Earlier
 * versions wrote no boot; such an id is compared without it.
 */
export type InstanceId = string;

let boot: string | undefined;

/** The first 8 hexadecimal digits of the kernel's random id of this boot. Pids and start times begin anew with each boot. */
export function bootId(): string {
  boot ??= readFileSync("/proc/sys/kernel/random/boot_id", "utf8").slice(0, 8);
  return boot;
}

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
  const exited = fields[0] === "Z" || fields[0] === "X";
  // A thread group whose leader has exited has the leader's state; the number of its threads tells whether it is over.
  const threads = Number(fields[17]);
  return {
    pid,
    zombie: exited && threads <= 1,
    leaderExited: exited && threads > 1,
    processGroup: Number(fields[2]),
    session: Number(fields[3]),
    cpuSeconds: (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND,
    startTime: fields[19] ?? "",
  };
}

export function instanceIdOf({ pid, startTime }: Pick<ProcessFacts, "pid" | "startTime">): InstanceId {
  return `${pid}@${startTime}@${bootId()}`;
}

/** The facts of the process that `id` identifies; undefined if it is dead, even if its pid was reused, or of another boot. */
export async function readInstance(id: InstanceId): Promise<ProcessFacts | undefined> {
  const [pid, startTime, ofBoot = bootId()] = id.split("@");
  if (ofBoot !== bootId()) return undefined;
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

/**
 * Living processes whose environment, as it was at their start, holds all of `variables`, and those of the sessions of
 * `leaders`, whatever their environment. An environment is readable to its own user alone.
 */
export async function processesWith(
  variables: Readonly<Record<string, string>>,
  leaders: readonly ProcessFacts[] = [],
): Promise<ProcessFacts[]> {
  const wanted = Object.entries(variables).map(([name, value]) => `${name}=${value}`);
  const sessions = new Set(leaders.filter(({ pid, session }) => pid === session).map(({ session }) => session));
  const pids = (await readdir("/proc")).filter((entry) => /^\d+$/.test(entry)).map(Number);
  const look = async (pid: number): Promise<ProcessFacts[]> => {
    const environment = new Set((await readProc(pid, "environ"))?.split("\0"));
    const marked = wanted.every((variable) => environment.has(variable));
    if (!marked && sessions.size === 0) return [];
    const facts = await readProcess(pid);
    return facts && !facts.zombie && (marked || sessions.has(facts.session)) ? [facts] : [];
  };
  return (await pMap(pids, look, { concurrency: MAX_CONCURRENT_READS })).flat();
}

/** The inodes of the sockets that a process holds, with the paths of their descriptors; empty if they cannot be read. */
export async function socketsOf(pid: number): Promise<Map<number, string>> {
  const dir = `/proc/${pid}/fd`;
  const names = await readdir(dir).catch(unlessGone<string[]>);
  const sockets = new Map<number, string>();
  for (const name of names ?? []) {
    const inode = await socketAt(`${dir}/${name}`);
    if (inode !== undefined) sockets.set(inode, `${dir}/${name}`);
  }
  return sockets;
}

/** The inode of the socket that a descriptor's path in /proc leads to; undefined if it is no socket, or is closed. */
export async function socketAt(path: string): Promise<number | undefined> {
  const target = await readlink(path).catch(unlessGone<string>);
  const inode = /^socket:\[(\d+)\]$/.exec(target ?? "")?.[1];
  return inode === undefined ? undefined : Number(inode);
}

/** A file of a process; undefined if the process has ended or belongs to another user. */
async function readProc(pid: number, file: string): Promise<string | undefined> {
  return await readFile(`/proc/${pid}/${file}`, "utf8").catch(unlessGone<string>);
}

/** @throws anything else than that the process has ended or belongs to another user. */
function unlessGone<T>(error: NodeJS.ErrnoException): T | undefined {
  const { code } = error;
  if (code === "ENOENT" || code === "ESRCH" || code === "EACCES" || code === "EPERM") return undefined;
  throw error;
}

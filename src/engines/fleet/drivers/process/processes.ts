import type { Clock } from "../../../../utils/clock.js";
import { FleetError } from "../../errors.js";
import { instanceIdOf, type ProcessFacts, processesWith, readInstance } from "./proc.js";

/** Set in every replica's environment, so that it is found even if the process that started it died before recording it. */
const DIR_VARIABLE = "WITAN_WORKLOAD_DIR";
const REPLICA_VARIABLE = "WITAN_REPLICA";
const STEP_VARIABLE = "WITAN_STEP";
/** The kernel ends a killed process within milliseconds, unless it hangs in a device. */
const KILL_TIMEOUT_MS = 5_000;
const STOP_POLL_MS = 10;

/** Identifies a replica's processes on the machine. */
export interface ReplicaIdentity {
  /** The workload's folder, absolute. */
  readonly workloadDir: string;
  /** Such as `web/3`; all replicas of the folder if it is left out. */
  readonly replica?: string | undefined;
}

/** The variables by which the processes of a replica, or those that one step started, are known. */
export function marksOf({ workloadDir, replica }: ReplicaIdentity, step?: string): Record<string, string> {
  return {
    [DIR_VARIABLE]: workloadDir,
    ...(replica === undefined ? {} : { [REPLICA_VARIABLE]: replica }),
    ...(step === undefined ? {} : { [STEP_VARIABLE]: step }),
  };
}

/** The process that `step` started, if it is alive. */
export async function findStarted(identity: ReplicaIdentity, step: string): Promise<ProcessFacts | undefined> {
  const found = await processesWith(marksOf(identity, step));
  // Processes that the replica starts inherit its environment; the replica itself leads its session.
  return found.find(({ pid, session }) => pid === session);
}

/**
 * Finds all living processes of a replica, or of the whole workload: those with its marks in their environment, recorded or
 * not, and those of the sessions that the recorded process and marked ones lead, whatever their environment. A session once
 * found is searched again though its leader has ended since: no process gets its number while one of it lives.
 *
 * @param recorded The replica's own process, if it is alive.
 */
export function processFinder(identity: ReplicaIdentity, recorded?: ProcessFacts): () => Promise<ProcessFacts[]> {
  const leaders = new Map(recorded === undefined ? [] : [[recorded.pid, recorded]]);
  return async () => {
    let found = await processesWith(marksOf(identity), [...leaders.values()]);
    const others = found.filter(({ pid, session }) => pid === session && !leaders.has(pid));
    if (others.length > 0) {
      for (const leader of others) leaders.set(leader.pid, leader);
      found = await processesWith(marksOf(identity), [...leaders.values()]);
    }
    const missed = recorded && !found.some(({ pid }) => pid === recorded.pid);
    const own = missed ? await readInstance(instanceIdOf(recorded)) : undefined;
    return own ? [...found, own] : found;
  };
}

/** What {@link processFinder} finds now. */
export function findProcesses(identity: ReplicaIdentity, recorded?: ProcessFacts): Promise<ProcessFacts[]> {
  return processFinder(identity, recorded)();
}

/**
 * Ends processes: SIGTERM, then SIGKILL for those still alive after `graceMs`. Looks for them again until none is found, so
 * that those which are forked meanwhile end too.
 *
 * @param find The processes to end that are alive now.
 * @throws {FleetError} `not-stoppable` if one survives SIGKILL.
 */
export async function stopProcesses(find: () => Promise<ProcessFacts[]>, graceMs: number, clock: Clock): Promise<void> {
  let found = await find();
  for (const signal of ["SIGTERM", "SIGKILL"] as const) {
    const deadline = clock.monotonic() + (signal === "SIGTERM" ? graceMs : KILL_TIMEOUT_MS);
    // Each is asked to end once, since a second SIGTERM may cut a graceful end short; and killed as often as it is found.
    const asked = new Set<string>();
    while (found.length > 0) {
      for (const target of targetsOf(found)) {
        if (signal === "SIGTERM" && asked.has(target)) continue;
        asked.add(target);
        send(Number(target), signal);
      }
      while ((await anyAlive(found)) && clock.monotonic() < deadline) await clock.sleep(STOP_POLL_MS);
      found = await find();
      if (clock.monotonic() >= deadline) break;
    }
  }
  if (found.length === 0) return;
  throw new FleetError("not-stoppable", `Processes ${found.map(instanceIdOf).join(", ")} do not end.`);
}

/** What a signal is sent to: groups whose leader is found, at once, so that no fork within one escapes; and single processes. */
function targetsOf(processes: readonly ProcessFacts[]): Set<string> {
  const pids = new Set(processes.map(({ pid }) => pid));
  return new Set(processes.map(({ pid, processGroup }) => String(pids.has(processGroup) ? -processGroup : pid)));
}

async function anyAlive(processes: readonly ProcessFacts[]): Promise<boolean> {
  const now = await Promise.all(processes.map((facts) => readInstance(instanceIdOf(facts))));
  return now.some((facts) => facts !== undefined);
}

function send(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}

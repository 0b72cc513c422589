import { execFile } from "node:child_process";
import { promisify } from "node:util";

const run = promisify(execFile);

/** Undoes a fault. */
export type Heal = () => void | Promise<void>;

/** Stops a process where it is, as a machine does that swaps or is paused; it runs on once healed. */
export function freeze(pid: number): Heal {
  process.kill(pid, "SIGSTOP");
  return () => signalUnlessEnded(pid, "SIGCONT");
}

/**
 * Has every write of a running process fail that would make a file longer than `bytes`, with EFBIG: a full disk, to the byte.
 * Needs util-linux' `prlimit`, and a process that loads `fileLimits.mjs` first.
 */
export async function fillDisk(pid: number, bytes: number): Promise<Heal> {
  await run("prlimit", [`--pid=${pid}`, `--fsize=${bytes}:unlimited`]);
  return async () => {
    await run("prlimit", [`--pid=${pid}`, "--fsize=unlimited:unlimited"]).catch((error: unknown) => {
      // A process that has ended meanwhile has no limits.
      if (isRunning(pid)) throw error;
    });
  };
}

/** Whether `prlimit` is installed. */
export async function canFillDisk(): Promise<boolean> {
  return run("prlimit", ["--version"]).then(
    () => true,
    () => false,
  );
}

export function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

function signalUnlessEnded(pid: number, signal: NodeJS.Signals): void {
  if (isRunning(pid)) process.kill(pid, signal);
}

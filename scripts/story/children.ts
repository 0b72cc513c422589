import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, openSync } from "node:fs";
import { systemClock } from "../../src/utils/clock.js";

/** How long a child may take to end by itself before it is killed. */
const GRACE_MS = 8_000;

/** A child process of the story: its output goes to a log file, and it ends with the story. */
export interface Child {
  readonly name: string;
  readonly process: ChildProcess;
  /** Resolves with the exit code, or null when a signal ended it. */
  readonly exited: Promise<number | null>;
}

/** The child processes that run: all of them end when the story does. */
export class Children {
  readonly #running = new Set<Child>();

  start(name: string, args: readonly string[], options: { logFile: string; env?: NodeJS.ProcessEnv }): Child {
    const log = openSync(options.logFile, "a");
    const process_ = spawn(process.execPath, [...args], {
      stdio: ["ignore", log, log],
      env: { ...process.env, ...options.env },
    });
    closeSync(log);
    const exited = new Promise<number | null>((resolve, reject) => {
      process_.once("exit", (code) => resolve(code));
      process_.once("error", reject);
    });
    const child: Child = { name, process: process_, exited };
    this.#running.add(child);
    exited.then(
      () => this.#running.delete(child),
      () => this.#running.delete(child),
    );
    return child;
  }

  /** Ends all children: by SIGTERM, and by SIGKILL those that still run after the grace time. */
  async stopAll(): Promise<void> {
    await Promise.all([...this.#running].map((child) => stopChild(child)));
  }
}

async function stopChild(child: Child): Promise<void> {
  child.process.kill("SIGTERM");
  const cancelKill = systemClock.after(GRACE_MS, () => child.process.kill("SIGKILL"));
  await child.exited.catch(() => null);
  cancelKill();
}

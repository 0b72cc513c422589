import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { promisify } from "node:util";
import { onTestFinished } from "vitest";
import { bundle } from "../harness/bundle.js";

const run = promisify(execFile);

/** A test script in a process whose files may have so many bytes each, and whose files may be so many, told over stdin what to do, a line each. */
export interface LimitedChild {
  /** Sends a line and resolves to the words of the answer. */
  ask(...words: readonly string[]): Promise<string[]>;
  /** Files may have this many bytes from now on: a write beyond it fails with EFBIG, exact to the byte. */
  limitFiles(bytes: number | "unlimited"): Promise<void>;
  /** So many files may be open from now on: what opens another one fails with EMFILE. */
  limitHandles(count: number): Promise<void>;
  kill(): Promise<void>;
}

export async function limitedChild(script: URL, args: readonly string[]): Promise<LimitedChild> {
  const child = spawn(process.execPath, [await bundle(script), ...args], { stdio: ["pipe", "pipe", "inherit"] });
  const exited = once(child, "exit");
  const kill = async () => {
    if (child.exitCode === null && child.signalCode === null) child.kill("SIGKILL");
    await exited;
  };
  onTestFinished(kill);
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return {
    async ask(...words) {
      child.stdin.write(`${words.join(" ")}\n`);
      const { value } = await lines.next();
      if (value === undefined) throw new Error("the process has ended");
      return value.split(" ");
    },
    async limitFiles(bytes) {
      // The soft limit alone, so that it can be raised again.
      await run("prlimit", [`--pid=${child.pid}`, `--fsize=${bytes}:`]);
    },
    async limitHandles(count) {
      await run("prlimit", [`--pid=${child.pid}`, `--nofile=${count}:`]);
    },
    kill,
  };
}

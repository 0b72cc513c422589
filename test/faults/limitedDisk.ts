import { execFile, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync } from "node:fs";
import { rmdir } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { promisify } from "node:util";
import { onTestFinished } from "vitest";
import { bundle } from "../harness/bundle.js";
import { temporaryFolder } from "../harness/folder.js";

const run = promisify(execFile);

/** Why the limits of a process cannot be set here; undefined if they can. */
export const noPrlimit = reasonOf("prlimit", ["--version"]);
/** Why no file system can be mounted here; undefined if one can. */
export const noTmpfs = process.getuid?.() === 0 ? canMount() : "only root may mount a tmpfs";

/** A test script in a process whose files may have so many bytes each, told over stdin what to do, a line each. */
export interface LimitedChild {
  /** Sends a line and resolves to the words of the answer. */
  ask(...words: readonly string[]): Promise<string[]>;
  /** Files may have this many bytes from now on: a write beyond it fails with EFBIG, exact to the byte. */
  limitFiles(bytes: number | "unlimited"): Promise<void>;
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
    kill,
  };
}

/** A real file system of so many bytes, which fails at whole pages with ENOSPC. Unmounted after the test. */
export function smallDisk(bytes: number): string {
  const dir = join(temporaryFolder(), "disk");
  mkdirSync(dir);
  execFileSync("mount", ["-t", "tmpfs", "-o", `size=${bytes},mode=700`, "tmpfs", dir]);
  onTestFinished(async () => {
    await run("umount", ["--lazy", dir]);
    await rmdir(dir);
  });
  return dir;
}

function canMount(): string | undefined {
  return reasonOf("unshare", ["--mount", "sh", "-c", "mount -t tmpfs tmpfs /mnt"]);
}

function reasonOf(command: string, args: readonly string[]): string | undefined {
  try {
    execFileSync(command, args, { stdio: "ignore" });
    return undefined;
  } catch (error) {
    return `${command} does not work here: ${(error as Error).message}`;
  }
}

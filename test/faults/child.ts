import { execFile, spawnSync } from "node:child_process";
import { promisify } from "node:util";

/** The outcome of a child process, whatever ended it. */
export interface Ended {
  readonly stdout: string;
  readonly signal: NodeJS.Signals | null;
}

/** Whether strace is here and may trace: containers often forbid it. */
export const mayTrace = spawnSync("strace", ["-qq", "true"], { stdio: "ignore" }).status === 0;
/** Whether prlimit of util-linux is here. */
export const mayLimit = spawnSync("prlimit", ["--version"], { stdio: "ignore" }).status === 0;

/**
 * Runs a TypeScript module in a process of its own, whose writes beyond a limit on the size of files fail with EFBIG instead of
 * ending it.
 *
 * @param under A program that runs it, such as strace.
 */
export async function runChild(module: URL, args: readonly string[], under: readonly string[] = []): Promise<Ended> {
  const command = [
    "-c",
    `trap "" XFSZ; exec "$@"`,
    "sh",
    ...under,
    process.execPath,
    "--import",
    "tsx",
    module.pathname,
    ...args,
  ];
  // One thread for files: strace counts the calls of each thread.
  const env = { ...process.env, UV_THREADPOOL_SIZE: "1" };
  try {
    const { stdout } = await promisify(execFile)("sh", command, { env });
    return { stdout, signal: null };
  } catch (error) {
    const { stdout, signal, stderr } = error as { stdout: string; stderr: string; signal: NodeJS.Signals | null };
    if (signal === null) throw new Error(stderr, { cause: error });
    return { stdout, signal };
  }
}

/** Limits the files of this process to so many bytes: the kernel takes what fits of a write, and refuses the rest with EFBIG. */
export function limitFiles(bytes: number | "unlimited"): void {
  const { status, stderr } = spawnSync("prlimit", [`--pid=${process.pid}`, `--fsize=${bytes}:`], { encoding: "utf8" });
  if (status !== 0) throw new Error(stderr);
}

/** Has the given fdatasync calls of a traced process fail with EIO: "3" is the third, "2+" every one from the second. */
export function failingSyncs(when: string): string[] {
  return [
    "strace",
    "-f",
    "-qq",
    "-o",
    "/dev/null",
    "-e",
    "trace=fdatasync",
    "-e",
    `inject=fdatasync:error=EIO:when=${when}`,
  ];
}

import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export interface SmallDisk {
  readonly dir: string;
  /** Takes all room, so that the kernel refuses the next page with ENOSPC. */
  fill(): void;
  /** Gives the room back. */
  free(): void;
  /** Takes no writes any more, or takes them again: the kernel refuses them with EROFS. */
  readOnly(isReadOnly: boolean): void;
  [Symbol.dispose](): void;
}

/** Whether this process may mount a file system: root may, on Linux. */
export const mayMount = tryToMount();

/** A real file system of so many bytes, in memory, which the kernel fails as a disk that is full: at pages of 4 KiB. */
export function smallDisk(bytes: number): SmallDisk {
  const dir = mkdtempSync(join(tmpdir(), "witan-small-"));
  mount("-t", "tmpfs", "-o", `size=${bytes}`, "tmpfs", dir);
  const filler = join(dir, "filler");
  return {
    dir,
    fill() {
      try {
        for (;;) writeFileSync(filler, Buffer.alloc(4_096), { flag: "a" });
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== "ENOSPC") throw error;
      }
    },
    free: () => rmSync(filler, { force: true }),
    readOnly: (isReadOnly) => mount("-o", `remount,${isReadOnly ? "ro" : "rw"}`, dir),
    [Symbol.dispose]() {
      execFileSync("umount", ["--lazy", dir]);
      rmSync(dir, { recursive: true });
    },
  };
}

function mount(...args: string[]): void {
  execFileSync("mount", args, { stdio: "pipe" });
}

function tryToMount(): boolean {
  if (process.platform !== "linux" || process.getuid?.() !== 0) return false;
  try {
    smallDisk(4_096)[Symbol.dispose]();
    return true;
  } catch {
    return false;
  }
}

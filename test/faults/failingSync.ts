import { type FileHandle, open } from "node:fs/promises";
import { onTestFinished, vi } from "vitest";
import { temporaryFolder } from "../harness/folder.js";

/**
 * Makes fsync fail in this process as a broken disk makes it: the next `times` calls reject with EIO, and then the kernel
 * reports nothing more. Of files (`datasync`) or of files and folders (`sync`). Until the test ends.
 */
export async function failSync(call: "datasync" | "sync", times = 1): Promise<{ readonly failed: () => number }> {
  const handle = await open(temporaryFolder(), "r");
  const prototype = Object.getPrototypeOf(handle) as FileHandle;
  await handle.close();
  const real = prototype[call];
  let failed = 0;
  const spy = vi.spyOn(prototype, call).mockImplementation(async function (this: FileHandle) {
    if (failed >= times) return real.call(this);
    failed += 1;
    throw Object.assign(new Error(`EIO: i/o error, ${call}`), { code: "EIO", errno: -5, syscall: call });
  });
  onTestFinished(() => spy.mockRestore());
  return { failed: () => failed };
}

import { describe, expect, it } from "vitest";
import { BaseError } from "../../../src/errors.js";
import { asDiskError, DiskError, isDiskFault } from "../../../src/utils/disk/diskError.js";

const systemError = (code: string, more: object = {}) =>
  Object.assign(new Error(`${code}: it failed`), { code, ...more });
/** As Level wraps what LevelDB says: the words of strerror(3), without a code. */
const engineError = (words: string) =>
  new Error("Database failed to open", { cause: new Error(`IO error: /data/store/blocks/000005.ldb: ${words}`) });

describe("a fault of the disk", () => {
  it.each([
    ["no free blocks", systemError("ENOSPC")],
    ["a quota", systemError("EDQUOT")],
    ["a limit on the size of files", systemError("EFBIG")],
    ["a read-only file system", systemError("EROFS")],
    ["a device that fails", systemError("EIO")],
    ["a file of another user", systemError("EACCES", { path: "/data/journal" })],
    ["an engine's words: no space", engineError("No space left on device")],
    ["an engine's words: a file too large", engineError("File too large")],
    ["an engine's words: a quota", engineError("Disk quota exceeded")],
    ["an engine's words: a device that is gone", engineError("No such device or address")],
    ["an engine's words: a server of files that forgot", engineError("Stale file handle")],
    ["an engine's words: a device that fails", engineError("Input/output error")],
    [
      "a store's error about it",
      new BaseError("content-no-space", "It cannot be opened.", { cause: engineError("File too large") }),
    ],
  ])("is %s", (_, error) => {
    expect(isDiskFault(error)).toBe(true);
  });

  it.each([
    ["a port that is denied", systemError("EACCES")],
    ["a file that is missing", systemError("ENOENT", { path: "/key" })],
    ["an engine's words: damage", engineError("Corruption: bad record length")],
    [
      "what a configuration names",
      new BaseError("config", "wrong", { cause: systemError("EACCES", { path: "/key" }) }),
    ],
    ["a defect", new TypeError("x is not a function")],
    ["no error", "ENOSPC"],
  ])("is not %s", (_, error) => {
    expect(isDiskFault(error)).toBe(false);
  });

  it("names the file that cannot be written, and leaves every other error as it is", () => {
    const error = asDiskError("/data/journal", systemError("ENOSPC"));
    expect(error).toBeInstanceOf(DiskError);
    expect(error).toMatchObject({ code: "disk-full", kind: "full", retryable: true });
    expect((error as Error).message).toContain("/data/journal cannot be written: there is no room on the disk.");
    for (const other of [new TypeError("a defect"), systemError("ETIMEDOUT"), error, "text"])
      expect(asDiskError("/data/journal", other)).toBe(other);
  });
});

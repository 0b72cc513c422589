import fs, { type FileHandle } from "node:fs/promises";
import { syncBuiltinESMExports } from "node:module";
import { tmpdir } from "node:os";

/** What a {@link FailingDisk} can refuse: a call of node:fs/promises, or of a file that it opened. */
export type DiskCall = "open" | "write" | "sync" | "truncate" | "rename" | "link" | "close";

export interface FailingDisk {
  /** Bytes that can still be written; a write beyond them leaves a part of itself behind and fails, as the kernel's does. */
  room: number;
  /** What a write without room fails with: ENOSPC (a full disk), EDQUOT (a quota) or EFBIG (a limit on the size of files). */
  full: "ENOSPC" | "EDQUOT" | "EFBIG";
  /** Whether to tell that files are on the disk without syncing them: much faster, where nothing cuts the power. */
  skipsSync: boolean;
  /** Every such call fails with this code from now on, for files whose path ends with `suffix`. */
  fail(call: DiskCall, code: string, suffix?: string): void;
  /** Nothing fails any more. */
  heal(): void;
  /**
   * What a power cut would leave of a file: its bytes as of the last sync that succeeded. Bytes of a sync that failed are
   * lost even if a later one succeeds, since Linux takes their pages for clean; only bytes written again are kept.
   */
  afterPowerCut(path: string): Promise<Buffer>;
  /** Gives node:fs/promises back. */
  [Symbol.dispose](): void;
}

/** The bytes of an open file that are not on the disk: dirty ones are written by the next sync, lost ones by none. */
interface Pages {
  readonly path: string;
  dirty: [from: number, to: number][];
  lost: [from: number, to: number][];
}

/**
 * A disk that fails, in this process: takes the place of node:fs/promises for all code that is loaded already. Exact to the
 * byte, and no library can get around it but by node:fs itself or native code.
 *
 * @example using disk = failingDisk(); disk.room = 17;
 */
export function failingDisk(): FailingDisk {
  const failures = new Map<DiskCall, { code: string; suffix: string }>();
  const pages = new WeakMap<FileHandle, Pages>();
  const byPath = new Map<string, Pages>();
  const undo: (() => void)[] = [];

  const disk: FailingDisk = {
    ...{ room: Number.POSITIVE_INFINITY, full: "ENOSPC", skipsSync: false },
    fail: (call, code, suffix = "") => void failures.set(call, { code, suffix }),
    heal() {
      failures.clear();
      disk.room = Number.POSITIVE_INFINITY;
    },
    async afterPowerCut(path) {
      const bytes = await fs.readFile(path);
      for (const [from, to] of [...(byPath.get(path)?.dirty ?? []), ...(byPath.get(path)?.lost ?? [])])
        bytes.fill(0, from, to);
      return bytes;
    },
    [Symbol.dispose]() {
      for (const each of undo.splice(0)) each();
      syncBuiltinESMExports();
    },
  };

  function check(call: DiskCall, path: string): void {
    const failure = failures.get(call);
    if (failure?.code && path.endsWith(failure.suffix)) throw errno(failure.code, call, path);
  }

  // biome-ignore lint/suspicious/noExplicitAny: the functions that are replaced have many shapes.
  function replace(target: any, name: string, make: (before: any) => unknown): void {
    const before = target[name];
    target[name] = make(before);
    undo.push(() => {
      target[name] = before;
    });
  }

  replace(fs, "open", (open: typeof fs.open) => async (path: string, ...rest: [string, number]) => {
    check("open", String(path));
    const file = await open(path, ...rest);
    // A field of each file, not of their prototype.
    const { close } = file;
    file.close = async () => {
      await close();
      check("close", String(path));
    };
    const known = { path: String(path), dirty: [], lost: [] } satisfies Pages;
    pages.set(file, known);
    if (!byPath.has(known.path)) byPath.set(known.path, known);
    else pages.set(file, byPath.get(known.path) as Pages);
    return file;
  });
  replace(fs, "rename", (rename: typeof fs.rename) => async (from: string, to: string) => {
    check("rename", String(to));
    await rename(from, to);
    const moved = byPath.get(String(from));
    byPath.delete(String(from));
    if (moved === undefined) byPath.delete(String(to));
    else byPath.set(String(to), moved);
  });
  replace(fs, "link", (link: typeof fs.link) => async (from: string, to: string) => {
    check("link", String(to));
    await link(from, to);
  });

  /** Every open file shares these; the prototype of one is that of all. */
  const patchFiles = (prototype: object) => {
    for (const name of ["appendFile", "writeFile"]) {
      replace(
        prototype,
        name,
        (write: FileHandle["appendFile"]) =>
          async function (this: FileHandle, data: string) {
            const bytes = Buffer.from(data);
            const { path, dirty, lost } = stateOf(this);
            check("write", path);
            const from = (await this.stat()).size;
            const fits = bytes.subarray(0, Math.max(0, disk.room));
            disk.room -= fits.length;
            await write.call(this, fits);
            dirty.push([from, from + fits.length]);
            forget(lost, from, from + fits.length);
            if (fits.length < bytes.length) throw errno(disk.full, "write", path);
          },
      );
    }
    replace(
      prototype,
      "write",
      (write: FileHandle["write"]) =>
        async function (
          this: FileHandle,
          data: Uint8Array,
          offset = 0,
          length = data.length - offset,
          position?: number,
        ) {
          const { path, dirty, lost } = stateOf(this);
          check("write", path);
          const from = position ?? (await this.stat()).size;
          const fits = Math.min(length, Math.max(0, disk.room));
          if (fits === 0 && length > 0) throw errno(disk.full, "write", path);
          disk.room -= fits;
          dirty.push([from, from + fits]);
          forget(lost, from, from + fits);
          return await Reflect.apply(write, this, [data, offset, fits, position ?? null]);
        },
    );
    for (const name of ["sync", "datasync"]) {
      replace(
        prototype,
        name,
        (sync: FileHandle["sync"]) =>
          async function (this: FileHandle) {
            const state = stateOf(this);
            try {
              check("sync", state.path);
            } catch (error) {
              state.lost.push(...state.dirty.splice(0));
              throw error;
            }
            if (!disk.skipsSync) await sync.call(this);
            state.dirty.length = 0;
          },
      );
    }
    replace(
      prototype,
      "truncate",
      (truncate: FileHandle["truncate"]) =>
        async function (this: FileHandle, length = 0) {
          const { path, dirty, lost } = stateOf(this);
          check("truncate", path);
          await truncate.call(this, length);
          for (const ranges of [dirty, lost]) forget(ranges, length, Number.POSITIVE_INFINITY);
        },
    );
  };
  const stateOf = (file: FileHandle): Pages => pages.get(file) ?? { path: "", dirty: [], lost: [] };
  patchFiles(fileHandlePrototype);
  syncBuiltinESMExports();
  return disk;
}

const probe = await fs.open(tmpdir(), "r");
const fileHandlePrototype: object = Object.getPrototypeOf(probe);
await probe.close();

/** Takes a range out of others. */
function forget(ranges: [number, number][], from: number, to: number): void {
  const left = ranges.flatMap(([a, b]): [number, number][] => [
    ...(a < from ? [[a, Math.min(b, from)] as [number, number]] : []),
    ...(b > to ? [[Math.max(a, to), b] as [number, number]] : []),
  ]);
  ranges.splice(0, ranges.length, ...left);
}

function errno(code: string, syscall: string, path: string): Error {
  return Object.assign(new Error(`${code}: injected, ${syscall} '${path}'`), { code, syscall, path });
}

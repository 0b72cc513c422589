import { readFileSync, statSync } from "node:fs";
import { readFile, rename, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import { Journal, JournalChangedError, JournalError } from "../../src/utils/journal.js";
import { failingSyncs, mayLimit, mayTrace, runChild } from "../faults/child.js";
import { failingDisk } from "../faults/failingDisk.js";
import { mayMount, smallDisk } from "../faults/smallDisk.js";
import { cutAt, damages } from "../faults/truncated.js";
import { temporaryFolder } from "../harness/folder.js";

interface Line {
  readonly n: number;
  readonly text?: string;
}

const path = () => join(temporaryFolder(), "log.jsonl");
const child = new URL("./journalChild.ts", import.meta.url);

/** What another process finds. */
async function entriesOf(file: string): Promise<Line[]> {
  const { journal, entries } = await Journal.open<Line>(file);
  await journal.close();
  return entries;
}

async function journalOf(entries: readonly Line[]): Promise<string> {
  const file = path();
  const { journal } = await Journal.open<Line>(file);
  await journal.replace(entries);
  await journal.close();
  return file;
}

/** The numbers that the child printed as acknowledged, and the codes of what it was refused. */
function saidBy({ stdout }: { readonly stdout: string }): {
  readonly acknowledged: number[];
  readonly codes: string[];
} {
  const lines = stdout.trim().split("\n");
  return {
    acknowledged: lines.filter((line) => /^\d+$/.test(line)).map(Number),
    codes: lines.filter((line) => !/^\d+$/.test(line)),
  };
}

describe("a full disk", () => {
  it("at every byte of 4 KiB: the file holds what was acknowledged, and goes on", async () => {
    using disk = failingDisk();
    disk.skipsSync = true;
    const file = path();
    const { journal } = await Journal.open<Line>(file);
    const acknowledged: Line[] = [];
    let whole = Buffer.alloc(0);
    while (whole.length < 4_096) {
      const entry = { n: acknowledged.length, text: "ü\n".repeat(acknowledged.length % 60) };
      const line = Buffer.from(`${JSON.stringify(entry)}\n`);
      for (let room = 0; room < line.length; room++) {
        disk.room = room;
        disk.full = room % 2 === 0 ? "ENOSPC" : "EFBIG";
        const code = await journal.append(entry).catch((error: { readonly code: string }) => error.code);
        if (code !== "disk-full") expect.fail(`${code} after ${room} bytes of line ${entry.n}`);
        if (statSync(file).size !== whole.length) expect.fail(`after ${room} bytes of line ${entry.n}`);
      }
      disk.heal();
      await journal.append(entry);
      acknowledged.push(entry);
      whole = Buffer.concat([whole, line]);
      if (!readFileSync(file).equals(whole)) expect.fail(`line ${entry.n}`);
    }
    // Killed here: nothing is closed before another process reads it.
    expect(await entriesOf(file)).toEqual(acknowledged);
    await journal.close();
  });

  it("that does not even let the file be cut leaves it to the next append to make it whole", async () => {
    using disk = failingDisk();
    const file = path();
    const { journal } = await Journal.open<Line>(file);
    await journal.append({ n: 0 });
    disk.room = 4;
    disk.fail("truncate", "EIO");
    await expect(journal.append({ n: 1 })).rejects.toMatchObject({ code: "disk-full" });
    // Killed here, the file can be read; and the process that lives on does not write behind the half line.
    expect(await readFile(file, "utf8")).toBe('{"n":0}\n{"n"');
    await expect(journal.append({ n: 2 })).rejects.toMatchObject({ code: "disk-full" });
    disk.room = Number.POSITIVE_INFINITY;
    await journal.append({ n: 3 });
    expect(await entriesOf(file)).toEqual([{ n: 0 }, { n: 3 }]);
    await journal.close();
  });

  it.skipIf(!mayLimit)(
    "of the kernel, exact to the byte (EFBIG; needs prlimit): nothing acknowledged is lost to kill -9",
    async () => {
      const file = path();
      // Cut at other bytes of each line, the middle of a character included.
      const cuts = Array.from({ length: 16 }, (_, n) => String((n * 7) % 60));
      const ended = await runChild(child, [file, "16", ...cuts]);
      expect(ended.signal).toBe("SIGKILL");
      const { acknowledged, codes } = saidBy(ended);
      expect(codes).toEqual(cuts.map(() => "disk-full"));
      expect((await entriesOf(file)).map(({ n }) => n)).toEqual(acknowledged);
      expect(acknowledged).toHaveLength(16);
    },
  );

  it.skipIf(!mayMount)("of the kernel, at a page (ENOSPC; needs root): it goes on once there is room", async () => {
    using disk = smallDisk(64 * 1024);
    const file = join(disk.dir, "log.jsonl");
    const { journal } = await Journal.open<Line>(file);
    await journal.append({ n: -2 });
    const acknowledged = [-2];
    disk.fill();
    let refused: unknown;
    for (let n = 0; refused === undefined; n++) {
      await journal.append({ n, text: "x".repeat(100) }).then(
        () => acknowledged.push(n),
        (error: unknown) => {
          refused = error;
        },
      );
    }
    expect(refused).toMatchObject({ code: "disk-full" });
    expect((await readFile(file, "utf8")).endsWith("\n")).toBe(true);
    disk.free();
    await journal.append({ n: -1 });
    expect((await entriesOf(file)).map(({ n }) => n)).toEqual([...acknowledged, -1]);
    await journal.close();
  });

  it.skipIf(!mayMount)(
    "or a file system that is read-only for a while (EROFS; needs root) refuses, and loses nothing",
    async () => {
      using disk = smallDisk(256 * 1024);
      const file = join(disk.dir, "log.jsonl");
      const opened = await Journal.open<Line>(file);
      await opened.journal.append({ n: 1 });
      await opened.journal.close();
      disk.readOnly(true);
      await expect(Journal.open<Line>(file)).rejects.toMatchObject({ code: "disk-read-only", retryable: true });
      disk.readOnly(false);
      const { journal, entries } = await Journal.open<Line>(file);
      expect(entries).toEqual([{ n: 1 }]);
      await journal.append({ n: 2 });
      expect(await entriesOf(file)).toEqual([{ n: 1 }, { n: 2 }]);
      await journal.close();
    },
  );
});

describe("an fsync that fails", () => {
  it("has the acknowledged lines written anew: the page cache holds what no later fsync writes", async () => {
    using disk = failingDisk();
    const file = path();
    const { journal } = await Journal.open<Line>(file);
    await journal.append({ n: 0 });
    disk.fail("sync", "EIO");
    await expect(journal.append({ n: 1 })).rejects.toMatchObject({ code: "disk-failed" });
    await expect(journal.append({ n: 2 })).rejects.toMatchObject({ code: "disk-failed" });
    disk.heal();
    await journal.append({ n: 3 });
    await journal.append({ n: 4 });
    // The power fails here.
    expect((await disk.afterPowerCut(file)).toString()).toBe('{"n":0}\n{"n":3}\n{"n":4}\n');
    await journal.close();
  });

  it("of a process that was killed then is made good when the journal is opened", async () => {
    using disk = failingDisk();
    const file = path();
    const { journal } = await Journal.open<Line>(file);
    await journal.append({ n: 0 });
    disk.fail("sync", "EIO", ".jsonl");
    disk.fail("truncate", "EIO");
    disk.fail("open", "EIO", ".tmp");
    await expect(journal.append({ n: 1 })).rejects.toMatchObject({ code: "disk-failed" });
    disk.heal();
    expect((await disk.afterPowerCut(file)).toString()).toContain("\0");
    // What is read is acted upon, so it has to stay.
    expect(await entriesOf(file)).toEqual([{ n: 0 }, { n: 1 }]);
    expect((await disk.afterPowerCut(file)).toString()).toBe('{"n":0}\n{"n":1}\n');
    await journal.close();
  });

  it("of the folder holds appends up until the new file is certain to stay", async () => {
    using disk = failingDisk();
    const file = path();
    const { journal } = await Journal.open<Line>(file);
    await journal.append({ n: 0 });
    disk.fail("sync", "EIO", dirname(file));
    await expect(journal.replace([{ n: 7 }])).rejects.toMatchObject({ code: "disk-failed" });
    await expect(journal.append({ n: 8 })).rejects.toMatchObject({ code: "disk-failed" });
    disk.heal();
    await journal.append({ n: 9 });
    expect(await entriesOf(file)).toEqual([{ n: 7 }, { n: 9 }]);
    await journal.close();
  });

  it.skipIf(!mayTrace)("of the kernel (needs strace): nothing acknowledged is lost to kill -9", async () => {
    const file = path();
    const ended = await runChild(child, [file, "6"], failingSyncs("3..4"));
    const { acknowledged, codes } = saidBy(ended);
    expect(codes).toEqual(["disk-failed", "disk-failed"]);
    expect(acknowledged).toEqual([0, 1, 4, 5]);
    expect((await entriesOf(file)).map(({ n }) => n)).toEqual(acknowledged);
  });
});

describe("a replacement that fails", () => {
  it.each([
    ["open", "ENOSPC", ".tmp"],
    ["write", "EIO", ".tmp"],
    ["sync", "EIO", ".tmp"],
    ["rename", "EROFS", ".jsonl"],
  ] as const)("at its %s leaves the journal as it was, and nothing beside it", async (call, code, suffix) => {
    using disk = failingDisk();
    const file = path();
    const { journal } = await Journal.open<Line>(file);
    await journal.append({ n: 0 });
    disk.fail(call, code, suffix);
    await expect(journal.replace([{ n: 7 }, { n: 8 }])).rejects.toMatchObject({ retryable: true });
    disk.heal();
    await journal.append({ n: 1 });
    expect(await entriesOf(file)).toEqual([{ n: 0 }, { n: 1 }]);
    await expect(readFile(`${file}.tmp`)).rejects.toMatchObject({ code: "ENOENT" });
    await journal.close();
  });
});

describe("a journal found again", () => {
  const lines: Line[] = [{ n: 0 }, { n: 1, text: "mit ümläuten 🌍" }, { n: 2, text: "last, ü" }];

  it("cut at any byte, with or without NULs behind, holds the lines before the cut", async () => {
    const whole = await readFile(await journalOf(lines));
    using disk = failingDisk();
    disk.skipsSync = true;
    const file = path();
    await Journal.open(file).then(({ journal }) => journal.close());
    for (let length = 0; length <= whole.length; length++) {
      // NULs alone are damage.
      for (const nuls of length === 0 ? [0] : [0, 13]) {
        await writeFile(file, cutAt(whole, length, nuls));
        const expected = lines.slice(0, whole.subarray(0, length).toString().split("\n").length - 1);
        expect(await entriesOf(file), `cut at ${length}, ${nuls} NULs`).toEqual(expected);
        // What is appended next begins a line of its own.
        expect((await readFile(file)).length).toBe(
          Buffer.byteLength(expected.map((each) => `${JSON.stringify(each)}\n`).join("")),
        );
      }
    }
  });

  it("with NULs in its last line, whose end was written and whose beginning was not, holds the lines before", async () => {
    const file = await journalOf(lines);
    const whole = await readFile(file);
    const last = whole.lastIndexOf("\n", -2) + 1;
    await writeFile(file, Buffer.from(whole).fill(0, last, last + 10));
    expect(await entriesOf(file)).toEqual(lines.slice(0, 2));
  });

  it.each(damages)("with $name is refused; its owner can go on with the lines that are left", async ({ of }) => {
    const file = await journalOf(lines);
    const damaged = of(await readFile(file));
    await writeFile(file, damaged);
    const parse = (value: unknown): Line => {
      if (typeof (value as Line).n !== "number") throw new TypeError("no number");
      return value as Line;
    };
    await expect(Journal.open(file, parse)).rejects.toThrow(JournalError);
    expect(await readFile(file)).toEqual(damaged);

    const { journal, entries, damage } = await Journal.openOrSalvage(file, parse);
    expect(damage).toBeInstanceOf(JournalError);
    expect(lines).toEqual(expect.arrayContaining(entries.map((entry) => expect.objectContaining({ n: entry.n }))));
    expect(await readFile(`${file}.damaged`)).toEqual(damaged);
    await journal.append({ n: 9 });
    await journal.close();
    expect(await entriesOf(file)).toEqual([...entries, { n: 9 }]);
  });
});

describe("a journal whose file is changed while it is open", () => {
  const changes: readonly (readonly [string, (file: string) => Promise<unknown>])[] = [
    ["emptied", (file) => writeFile(file, "")],
    ["appended to", (file) => writeFile(file, '{"n":5}\n', { flag: "a" })],
    ["replaced", (file) => writeFile(`${file}.other`, "{}\n").then(() => rename(`${file}.other`, file))],
  ];
  it.each(changes)("%s: refuses to append, and leaves the file alone", async (_name, change) => {
    const file = await journalOf([{ n: 0 }]);
    const { journal } = await Journal.open<Line>(file);
    await change(file);
    const after = await readFile(file, "utf8");
    await expect(journal.append({ n: 1 })).rejects.toThrow(JournalChangedError);
    expect(await readFile(file, "utf8")).toBe(after);
    await journal.close();
  });

  it("removed with its folder: refuses, instead of writing where nobody will read", async () => {
    const file = await journalOf([{ n: 0 }]);
    const { journal } = await Journal.open<Line>(file);
    await rm(dirname(file), { recursive: true });
    await expect(journal.append({ n: 1 })).rejects.toMatchObject({ code: "disk-missing" });
    await journal.close();
  });
});

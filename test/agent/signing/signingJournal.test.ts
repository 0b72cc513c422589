import { appendFile, type FileHandle, mkdtemp, open as openFile, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { z } from "zod";
import {
  type JournalCare,
  SigningJournal,
  type SigningJournalDependencies,
} from "../../../src/agent/signing/signingJournal.js";
import { SpaceReserve } from "../../../src/utils/disk/spaceReserve.js";
import { failingDisk } from "../../faults/failingDisk.js";
import { mayMount, smallDisk } from "../../faults/smallDisk.js";
import { damages } from "../../faults/truncated.js";

/** What a node promises on a matter; the note says nothing of it. */
interface Pledge {
  readonly matter: string;
  readonly word: string;
  readonly note?: string;
}

class BrokenPledge extends Error {}

const dependencies: SigningJournalDependencies<Pledge> = {
  keyOf: ({ matter }) => matter,
  alike: (recorded, wanted) => recorded.word === wanted.word,
  refusal: (recorded, wanted) => new BrokenPledge(`${recorded.word}, not ${wanted.word}`),
  parse: (value) => z.object({ matter: z.string(), word: z.string() }).loose().parse(value),
};

/** The journal as a process finds it. A process that is killed closes nothing: here that is left to the test's end. */
async function open(path: string, care: JournalCare = {}): Promise<SigningJournal<Pledge>> {
  const journal = await SigningJournal.open<Pledge>(path, { ...dependencies, ...care });
  onTestFinished(() => journal.close());
  return journal;
}

async function temporaryFile(): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), "witan-signing-"));
  onTestFinished(() => rm(dir, { recursive: true, force: true }));
  return join(dir, "journal.jsonl");
}

/** What all handles of files have in common, in which a test can break the disk. */
async function handles(path: string): Promise<FileHandle> {
  const handle = await openFile(path, "r");
  await handle.close();
  return Object.getPrototypeOf(handle) as FileHandle;
}

/** The next line finds room for so many bytes. */
async function fillDisk(path: string, room: number): Promise<void> {
  const spy = vi.spyOn(await handles(path), "appendFile");
  onTestFinished(() => spy.mockRestore());
  spy.mockImplementationOnce(async function (this: FileHandle, text) {
    await this.write(String(text).slice(0, room));
    throw Object.assign(new Error("no space left on device"), { code: "ENOSPC" });
  });
}

const yes: Pledge = { matter: "a", word: "yes" };
const no: Pledge = { matter: "a", word: "no" };

describe("a journal of what is signed", () => {
  it("holds what it has resolved with, though the process was killed then", async () => {
    const path = await temporaryFile();
    const killed = await open(path);
    await killed.record({ ...yes, note: "first" });
    const after = await open(path);
    expect(after.get("a")).toEqual({ ...yes, note: "first" });
    expect(await after.record({ ...yes, note: "second" })).toEqual({ ...yes, note: "first" });
    await expect(after.record(no)).rejects.toThrow(new BrokenPledge("yes, not no"));
  });

  it("writes the same once, and lets all that ask for it wait until it is on disk", async () => {
    const path = await temporaryFile();
    const journal = await open(path);
    const seen = await Promise.all(
      [1, 2, 3].map(async () => {
        await journal.record(yes);
        return readFile(path, "utf8");
      }),
    );
    expect(seen).toEqual(Array(3).fill('{"matter":"a","word":"yes"}\n'));
  });

  it("refuses the second of two that differ while the first is on its way to the disk", async () => {
    const path = await temporaryFile();
    const journal = await open(path);
    const results = await Promise.allSettled([journal.record(no), journal.record(yes)]);
    expect(results.map(({ status }) => status)).toEqual(["fulfilled", "rejected"]);
    expect((await open(path)).get("a")).toEqual(no);
  });

  it("never lets two different words on one matter through, whatever is asked and however often it is killed", async () => {
    const step = fc.oneof(
      { weight: 4, arbitrary: fc.record({ matter: fc.constantFrom("a", "b"), word: fc.constantFrom("yes", "no") }) },
      { weight: 1, arbitrary: fc.constantFrom("kill" as const, "kill in the middle of a line" as const) },
    );
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 10 }), async (steps) => {
        const path = await temporaryFile();
        let journal = await open(path);
        const signed = new Set<string>();
        for (const each of steps) {
          if (typeof each === "string") {
            if (each !== "kill") await appendFile(path, '{"matter":"a","wo');
            journal = await open(path);
            continue;
          }
          const kept = await journal.record(each).catch((error: unknown) => {
            expect(error).toBeInstanceOf(BrokenPledge);
          });
          if (kept !== undefined) signed.add(`${kept.matter} ${kept.word}`);
        }
        expect(signed.size).toBe(new Set([...signed].map((text) => text[0])).size);
      }),
      { numRuns: 15 },
    );
  });
});

describe("a line that a crash has torn", () => {
  it("was never resolved with, so another word may take its place", async () => {
    const path = await temporaryFile();
    await (await open(path)).record({ matter: "b", word: "yes" });
    await appendFile(path, '{"matter":"a","word":"y');
    const after = await open(path);
    expect([after.get("a"), after.get("b")?.word]).toEqual([undefined, "yes"]);
    expect(await after.record(no)).toEqual(no);
    expect((await open(path)).get("a")).toEqual(no);
  });

  it("is damage where others stand behind it: what can be read stands, and nothing new is signed", async () => {
    const path = await temporaryFile();
    const text = '{"matter":"a","word":"y\n{"matter":"b","word":"yes"}\n';
    await writeFile(path, text);
    const found: unknown[] = [];
    const journal = await open(path, { onDamage: (damage) => found.push(damage) });
    expect(found).toMatchObject([{ code: "journal-corrupt" }]);
    await expect(journal.record(yes)).rejects.toMatchObject({
      code: "signing-refused",
      shortMessage: expect.stringContaining("Line 1"),
    });
    expect(journal.get("a")).toBeUndefined();
    const known = { matter: "b", word: "yes" };
    expect(await journal.record(known)).toEqual(known);
    await expect(journal.record({ matter: "b", word: "no" })).rejects.toBeInstanceOf(BrokenPledge);
    // A backup may be compared with it, and a person may read it.
    expect(await readFile(path, "utf8")).toBe(text);
  });

  it.each(damages)("nor is anything signed after $name, once lines are lost", async ({ of }) => {
    const path = await temporaryFile();
    const journal = await open(path);
    for (const matter of ["a", "b", "c"]) await journal.record({ matter, word: "yes" });
    await writeFile(path, of(await readFile(path)));
    const after = await open(path);
    for (const matter of ["a", "b", "c"]) {
      await expect(after.record({ matter, word: "no" })).rejects.toThrow(/signed|yes, not no/);
    }
  });
});

describe("a disk that fails", () => {
  it("leaves nothing recorded, and what is written later can be read", async () => {
    const path = await temporaryFile();
    const journal = await open(path);
    await journal.record({ matter: "b", word: "yes" });
    await fillDisk(path, 12);
    await expect(journal.record(yes)).rejects.toMatchObject({ code: "disk-full" });
    expect(journal.get("a")).toBeUndefined();
    await journal.record({ matter: "c", word: "yes" });
    await journal.record(no);
    const after = await open(path);
    expect(["a", "b", "c"].map((matter) => after.get(matter)?.word)).toEqual(["no", "yes", "yes"]);
  });

  it.skipIf(!mayMount)("has room for what is signed, though the kernel has none (ENOSPC; needs root)", async () => {
    using disk = smallDisk(512 * 1024);
    const reserve = await SpaceReserve.open(join(disk.dir, "reserve"), 128 * 1024);
    await reserve.take();
    const path = join(disk.dir, "journal.jsonl");
    const journal = await SigningJournal.open<Pledge>(path, { ...dependencies, reserve });
    const other = await SigningJournal.open<Pledge>(join(disk.dir, "other.jsonl"), dependencies);
    disk.fill();
    await expect(other.record(yes)).rejects.toMatchObject({ code: "disk-full" });
    const promises = Array.from({ length: 12 }, (_, n) => ({
      matter: String(n),
      word: "yes",
      note: "x".repeat(2_500),
    }));
    for (const promise of promises) await journal.record(promise);
    expect(reserve.held).toBe(64 * 1024);
    // Killed here.
    const after = await SigningJournal.open<Pledge>(path, dependencies);
    expect(promises.map(({ matter }) => after.get(matter))).toEqual(promises);
    await Promise.all([journal, other, after].map((each) => each.close()));
  });

  it("tells all that wait for one line", async () => {
    const path = await temporaryFile();
    const journal = await open(path);
    await fillDisk(path, 0);
    const results = await Promise.allSettled([journal.record(yes), journal.record(yes)]);
    expect(results.map(({ status }) => status)).toEqual(["rejected", "rejected"]);
    expect(await journal.record(no)).toEqual(no);
  });

  it("decides nothing by a line that it may have lost: the one that was signed is there at the next start", async () => {
    const path = await temporaryFile();
    const journal = await open(path);
    const spy = vi.spyOn(await handles(path), "datasync").mockRejectedValueOnce(new Error("input/output error"));
    onTestFinished(() => spy.mockRestore());
    await expect(journal.record(yes)).rejects.toThrow("input/output error");
    await journal.record(no);
    expect((await open(path)).get("a")).toEqual(no);
  });

  it("shows nothing that is not on the disk yet: it would be signed, and may be lost", async () => {
    const journal = await open(await temporaryFile());
    using disk = failingDisk();
    disk.room = 3;
    const recording = journal.record(yes);
    expect(journal.get("a")).toBeUndefined();
    await expect(recording).rejects.toMatchObject({ code: "disk-full" });
    disk.heal();
    const again = journal.record(no);
    expect(journal.get("a")).toBeUndefined();
    await again;
    expect(journal.get("a")).toEqual(no);
  });

  it("does not follow a journal that is closed: it records nothing any more", async () => {
    const journal = await open(await temporaryFile());
    await journal.close();
    await expect(journal.record(yes)).rejects.toThrow();
    expect(journal.get("a")).toBeUndefined();
  });
});

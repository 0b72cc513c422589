import { copyFile, readFile, rm, stat, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { JournalMark } from "../../../src/agent/signing/journalMark.js";
import { OwnBallots } from "../../../src/agent/signing/ownBallots.js";
import { failingDisk } from "../../faults/failingDisk.js";
import { mayMount, smallDisk } from "../../faults/smallDisk.js";
import { temporaryFolder } from "../../harness/folder.js";

const ballot = (proposalId: string, support: "for" | "against" = "for") => ({ proposalId, support, reason: "" });

/** A journal of four ballots, closed as by a kill. */
async function written(dir = temporaryFolder()) {
  const path = join(dir, "ballots.jsonl");
  const ballots = await OwnBallots.open(path);
  for (const id of ["1", "2", "3", "4"]) await ballots.record(ballot(id));
  await ballots.close();
  return path;
}

/** Opens it with a guard that says whether it can write down that the journal was cut. */
async function opened(path: string, isWrittenDown = true) {
  const cuts: number[] = [];
  const damage: string[] = [];
  const ballots = await OwnBallots.open(path, {
    onCut: async (missing) => {
      cuts.push(missing);
      return isWrittenDown;
    },
    onDamage: ({ code }) => damage.push(code),
  });
  return { ballots, cuts, damage };
}

/** Where each line of the file ends. */
async function ends(path: string): Promise<number[]> {
  return [...(await readFile(path)).entries()].flatMap(([at, byte]) => (byte === 10 ? [at + 1] : []));
}

describe("a journal that was cut", () => {
  it.each([0, 1, 2, 3])("exactly after %i of four lines is known by its mark, and told once", async (kept) => {
    const path = await written();
    await truncate(path, kept === 0 ? 0 : (await ends(path))[kept - 1]);
    const { ballots, cuts, damage } = await opened(path);
    expect([cuts, damage, ballots.size]).toEqual([[4 - kept], ["journal-cut"], kept]);
    await ballots.record(ballot("5"));
    await ballots.close();
    expect((await opened(path)).cuts).toEqual([]);
  });

  it("within a line has lost that line too, and one that is gone altogether has lost all", async () => {
    const path = await written();
    await truncate(path, ((await ends(path))[2] ?? 0) - 5);
    expect((await opened(path)).cuts).toEqual([2]);
    const gone = await written();
    await rm(gone);
    expect((await opened(gone)).cuts).toEqual([4]);
  });

  it("or that has other lines, such as those of an older backup that went on, is known too", async () => {
    const path = await written();
    const lines = (await readFile(path, "utf8")).replace('"2","support":"for"', '"2","support":"against"');
    await writeFile(path, lines);
    expect((await opened(path)).cuts).toEqual([0]);
  });

  it("is told again at each start until that is written down, and signs nothing where nobody is told", async () => {
    const path = await written();
    await truncate(path, 0);
    for (let start = 0; start < 2; start++) {
      const { ballots, cuts } = await opened(path, false);
      expect(cuts).toEqual([4]);
      await ballots.close();
    }
    const alone = await OwnBallots.open(path);
    await expect(alone.record(ballot("1", "against"))).rejects.toMatchObject({ code: "signing-refused" });
    expect((await opened(path)).cuts).toEqual([4]);
    expect((await opened(path)).cuts).toEqual([]);
  });
});

describe("a mark", () => {
  it("of a journal of an earlier version is made with its next line", async () => {
    const path = await written();
    await rm(`${path}.mark`);
    const { ballots, cuts } = await opened(path);
    await ballots.record(ballot("5"));
    await ballots.close();
    expect(cuts).toEqual([]);
    await truncate(path, 0);
    expect((await opened(path)).cuts).toEqual([5]);
  });

  it("that is damaged or behind is no reason to sign nothing", async () => {
    const path = await written();
    const behind = `${path}.behind`;
    await copyFile(`${path}.mark`, behind);
    const { ballots } = await opened(path);
    await ballots.record(ballot("5"));
    await ballots.close();
    await copyFile(behind, `${path}.mark`);
    expect((await opened(path)).cuts).toEqual([]);
    for (const bytes of ["", "\0".repeat(1_024), "4 zz\n", Buffer.from([0xff, 0xfe])]) {
      await writeFile(`${path}.mark`, bytes);
      expect((await opened(path)).cuts).toEqual([]);
    }
  });

  it("survives a power cut at any byte of its write: it is the one before, or the new one", async () => {
    const path = await written();
    const before = await readFile(`${path}.mark`);
    const { ballots } = await opened(path);
    await ballots.record(ballot("5"));
    await ballots.close();
    const after = await readFile(`${path}.mark`);
    for (let torn = 0; torn <= 512; torn += 8) {
      for (const slot of [0, 512]) {
        const bytes = Buffer.concat([
          before.subarray(0, slot),
          after.subarray(slot, slot + torn),
          before.subarray(slot + torn),
        ]);
        await writeFile(`${path}.mark`, bytes);
        expect((await JournalMark.open(path)).read(await linesOf(path))).toBeUndefined();
        const cut = (await JournalMark.open(path)).read([]);
        expect([4, 5]).toContain(cut?.missing);
      }
    }
  });

  it("that cannot be written leaves the ballot undecided", async () => {
    const path = await written();
    const { ballots } = await opened(path);
    {
      using disk = failingDisk();
      // The line has room, and its mark has none.
      disk.room = (await readFile(path)).length / 4 + 1;
      await expect(ballots.record(ballot("5"))).rejects.toMatchObject({ code: "disk-full" });
    }
    expect(ballots.get("5")).toBeUndefined();
    expect(await ballots.record(ballot("5", "against"))).toMatchObject({ support: "against" });
    await ballots.close();
    const after = await opened(path);
    expect([after.cuts, after.ballots.get("5")?.support, after.ballots.size]).toEqual([[], "against", 5]);
  });

  it.skipIf(!mayMount)("needs no room of a disk that is full (ENOSPC; needs root)", async () => {
    using disk = smallDisk(256 * 1024);
    const path = await written(disk.dir);
    disk.fill();
    const size = (await stat(`${path}.mark`)).size;
    const mark = await JournalMark.open(path);
    mark.read(await linesOf(path));
    mark.add(Buffer.from("line\n"));
    await mark.write();
    expect((await stat(`${path}.mark`)).size).toBe(size);
  });
});

async function linesOf(path: string): Promise<Uint8Array[]> {
  return (await readFile(path, "utf8")).split(/(?<=\n)/).map((line) => Buffer.from(line));
}

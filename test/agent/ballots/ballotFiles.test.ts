import {
  appendFile,
  type FileHandle,
  mkdir,
  mkdtemp,
  open as openFile,
  readdir,
  readFile,
  rm,
  symlink,
  writeFile,
} from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { BallotFiles } from "../../../src/agent/ballots/ballotFiles.js";
import type { NodeBallot } from "../../../src/client/index.js";
import { damages } from "../../faults/truncated.js";

const ballotOf = (index: number, proposalId = "7"): NodeBallot => ({
  ...{ proposalId, index, support: "for" },
  signature: new Uint8Array(96).fill(index + 1),
});

/** A folder for ballots; timers end when the test says so. */
async function folder() {
  const dir = join(await mkdtemp(join(tmpdir(), "witan-ballots-")), "ballots");
  onTestFinished(() => rm(join(dir, ".."), { recursive: true, force: true }));
  const timers = new Map<() => void, number>();
  const errors: unknown[] = [];
  const clock = {
    after(milliseconds: number, work: () => void) {
      timers.set(work, milliseconds);
      return () => void timers.delete(work);
    },
  };
  return {
    dir,
    timers,
    errors,
    async open() {
      const opened = await BallotFiles.open({ dir, clock, onError: (error) => errors.push(error) });
      onTestFinished(() => opened.files.close());
      return opened;
    },
    /** What another process would read now. */
    async onDisk(): Promise<NodeBallot[]> {
      const { ballots, files } = await BallotFiles.open({ dir, clock, onError: () => undefined });
      await files.close();
      return ballots;
    },
    names: async () => (await readdir(dir)).sort(),
  };
}

describe("ballots on their way to the disk", () => {
  it("are written together, a quarter of a second after the first", async () => {
    const { onDisk, open, timers } = await folder();
    const { files } = await open();
    for (const index of [0, 1, 2]) files.add(ballotOf(index));
    expect([...timers.values()]).toEqual([250]);
    expect(await onDisk()).toEqual([]);
    for (const work of timers.keys()) work();
    await files.flush();
    expect(await onDisk()).toEqual([0, 1, 2].map((index) => ballotOf(index)));
    files.add(ballotOf(3));
    expect(timers.size).toBe(1);
    await files.close();
    expect(timers.size).toBe(0);
  });

  it("are written when the node stops, and need no timer then", async () => {
    const { onDisk, open, timers } = await folder();
    const { files } = await open();
    files.add(ballotOf(0));
    files.add(ballotOf(1, "8"));
    await files.close();
    expect([timers.size, files.proposals]).toEqual([0, []]);
    expect(await onDisk()).toEqual([ballotOf(0), ballotOf(1, "8")]);
  });

  it("are there after a kill, and are not written again when they are heard again", async () => {
    const { dir, onDisk, open } = await folder();
    const killed = await open();
    killed.files.add(ballotOf(0));
    await killed.files.flush();
    const { ballots, files } = await open();
    expect([ballots, files.proposals]).toEqual([[ballotOf(0)], ["7"]]);
    for (const index of [0, 1, 1]) files.add(ballotOf(index));
    await files.close();
    expect(await onDisk()).toEqual([ballotOf(0), ballotOf(1)]);
    const lines = (await readFile(join(dir, "7.jsonl"), "utf8")).trim().split("\n");
    expect(lines.flatMap((line) => JSON.parse(line))).toHaveLength(2);
  });
});

describe("what is in the folder when a node starts", () => {
  it("is read where it is a ballot; a torn last line and the files of others are left alone", async () => {
    const { dir, names, onDisk, open } = await folder();
    const { files } = await open();
    files.add(ballotOf(0));
    await files.close();
    await appendFile(join(dir, "7.jsonl"), '["no ballot",""]\n["AQ');
    await writeFile(join(dir, "notes.txt"), "not ours");
    expect(await onDisk()).toEqual([ballotOf(0)]);
    expect(await names()).toEqual(["7.jsonl", "notes.txt"]);
  });
});

describe("a vote that has ended", () => {
  it("takes its file along, with what waits to be written, and leaves those of others", async () => {
    const { names, onDisk, open } = await folder();
    const { files } = await open();
    for (const id of ["7", "8"]) files.add(ballotOf(0, id));
    await files.flush();
    files.add(ballotOf(1, "7"));
    await Promise.all([files.flush(), files.drop("7"), files.drop("never heard of")]);
    await files.flush();
    expect([await names(), files.proposals]).toEqual([["8.jsonl"], ["8"]]);
    await files.close();
    expect(await onDisk()).toEqual([ballotOf(0, "8")]);
  });
});

describe("a file that is damaged", () => {
  it.each(damages)("by $name costs the ballots that cannot be read, and no other proposal's", async ({ of }) => {
    const { dir, errors, open } = await folder();
    const { files } = await open();
    for (const index of [0, 1, 2]) {
      files.add(ballotOf(index));
      await files.flush();
    }
    files.add(ballotOf(0, "8"));
    await files.close();
    const path = join(dir, "7.jsonl");
    await writeFile(path, of(await readFile(path)));
    const again = await open();
    expect(again.ballots.filter(({ proposalId }) => proposalId === "8")).toEqual([ballotOf(0, "8")]);
    expect(errors).toMatchObject([{ code: "journal-corrupt" }]);
    await again.files.drop("7");
    expect((await readdir(dir)).filter((name) => name.startsWith("7"))).toEqual([]);
    await again.files.close();
  });
});

describe("a disk that fails", () => {
  it("is reported, and its ballots are written with the next ones", async () => {
    const { dir, errors, onDisk, open } = await folder();
    const { files } = await open();
    // A folder stands where the file would.
    await mkdir(join(dir, "7.jsonl"));
    files.add(ballotOf(0));
    files.add(ballotOf(0, "8"));
    await files.flush();
    expect(errors).toMatchObject([{ code: "EISDIR" }]);
    await rm(join(dir, "7.jsonl"), { recursive: true });
    files.add(ballotOf(1));
    await files.close();
    expect(await onDisk()).toEqual([ballotOf(0), ballotOf(1), ballotOf(0, "8")]);
    expect(errors).toHaveLength(1);
  });

  it("leaves a file that can be read, though it was full in the middle of a line", async () => {
    const { dir, errors, onDisk, open } = await folder();
    const { files } = await open();
    files.add(ballotOf(0));
    await files.flush();
    const handle = await openFile(join(dir, "7.jsonl"), "r");
    await handle.close();
    const spy = vi.spyOn(Object.getPrototypeOf(handle) as FileHandle, "appendFile");
    onTestFinished(() => spy.mockRestore());
    spy.mockImplementationOnce(async function (this: FileHandle, text) {
      await this.write(String(text).slice(0, 20));
      throw Object.assign(new Error("no space left on device"), { code: "ENOSPC" });
    });
    files.add(ballotOf(1));
    await files.flush();
    expect(errors).toMatchObject([{ code: "disk-full" }]);
    files.add(ballotOf(2));
    await files.close();
    expect(await onDisk()).toEqual([0, 1, 2].map((index) => ballotOf(index)));
  });
});

describe("what others have left in the folder", () => {
  it("costs itself: a folder in the place of a file, a link to nothing or to itself, and names of no proposal", async () => {
    const { dir, errors, onDisk, open } = await folder();
    const { files } = await open();
    files.add(ballotOf(1));
    await files.flush();
    await mkdir(join(dir, "8.jsonl"));
    await symlink("9.jsonl", join(dir, "9.jsonl"));
    await writeFile(join(dir, "notes.jsonl"), "[]\n");
    await writeFile(join(dir, "0x7.jsonl"), "[]\n");
    const again = await open();
    expect(again.ballots).toEqual([ballotOf(1)]);
    expect(again.files.proposals).toEqual(["7"]);
    expect(errors).toHaveLength(2);
    expect(await onDisk()).toEqual([ballotOf(1)]);
  });
});

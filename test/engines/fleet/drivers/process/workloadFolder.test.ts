import { mkdir, mkdtemp, readdir, rm, stat, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { acquireLock } from "../../../../../src/engines/fleet/drivers/process/lock.js";
import { ownInstanceId } from "../../../../../src/engines/fleet/drivers/process/proc.js";
import { WorkloadFolder } from "../../../../../src/engines/fleet/drivers/process/workloadFolder.js";
import type { WorkloadState } from "../../../../../src/engines/fleet/types.js";

const release = { name: "v1", command: ["node", "web.mjs"], sha256: `0x${"11".repeat(32)}` } as const;
const state: WorkloadState = {
  workload: "web",
  basePort: 9_000,
  replicas: 2,
  current: release,
  good: [release],
  rollout: null,
};
const spec = { release, port: 9_000, step: "d/0" };
const instance = { instance: "100@1", release, step: "d/0", startedAt: 7 };

async function open(workload = "web"): Promise<WorkloadFolder> {
  const dir = await mkdtemp(join(tmpdir(), "witan-workload-"));
  onTestFinished(() => rm(dir, { recursive: true, force: true }));
  return new WorkloadFolder(join(dir, "web"), workload);
}

describe("a workload's folder", () => {
  it("gives back what was written, also to another agent of the machine", async () => {
    const folder = await open();
    await folder.writeState(state);
    await folder.writeSpec(1, spec);
    await folder.writeInstance(1, instance);
    const other = new WorkloadFolder(folder.dir, "web");
    expect([await other.readState(), await other.requireState()]).toEqual([state, state]);
    expect([await other.readSpec(1), await other.readInstance(1)]).toEqual([spec, instance]);
  });

  it("is empty before the workload is started: nothing is there, and nothing fails but what needs a state", async () => {
    const folder = await open();
    expect([await folder.readState(), await folder.readSpec(0), await folder.readInstance(0)]).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
    expect([await folder.indices(), await folder.changing()]).toEqual([[], new Set()]);
    await expect(folder.requireState()).rejects.toMatchObject({ code: "fleet-unknown-workload", retryable: false });
    await Promise.all([folder.clear(), folder.removeReplica(3), folder.removeChanging(), folder.pruneJournals()]);
  });

  it("is refused where another workload's was started", async () => {
    const folder = await open("api");
    await folder.writeState(state);
    await expect(folder.requireState()).rejects.toMatchObject({ kind: "unknown-workload" });
  });

  it("does not take a file that cannot be read for a missing one", async () => {
    const folder = await open();
    await mkdir(folder.dir, { recursive: true });
    await writeFile(join(folder.dir, "workload.json"), '{"workload":"we');
    await expect(folder.readState()).rejects.toMatchObject({ code: "fleet-damaged" });
    await writeFile(join(folder.dir, "replicas"), "no folder");
    await expect(folder.indices()).rejects.toMatchObject({ code: "ENOTDIR" });
  });

  it.each(["", "\0\0\0", '{"inst', '{"v":9}', '{"instance":5,"release":{},"step":"d","port":"1","owner":1}', "null"])(
    "with a file that holds %j costs the replica a restart, and nothing else",
    async (text) => {
      const folder = await open();
      await folder.writeState(state);
      for (const index of [0, 1]) {
        await folder.writeSpec(index, spec);
        await folder.writeInstance(index, instance);
      }
      await folder.writeChanging(await ownInstanceId(), [0]);
      await writeFile(join(folder.replicaDir(1), "instance.json"), text);
      await writeFile(join(folder.dir, "changing.json"), text);
      // No process has this id: the replica counts as dead.
      expect(await folder.readInstance(1)).toMatchObject({ instance: "0@0", release });
      expect(await folder.readInstance(0)).toEqual(instance);
      expect(await folder.changing()).toEqual(new Set());
      await writeFile(join(folder.replicaDir(1), "spec.json"), text);
      expect([await folder.readSpec(1), await folder.readInstance(1)]).toMatchObject([undefined, { release }]);
      await writeFile(join(folder.dir, "workload.json"), text);
      expect(await folder.readState()).toEqual(state);
      await rm(join(folder.dir, "workload.json"));
      expect(await folder.readState()).toEqual(state);
      await writeFile(join(folder.dir, "workload.copy.json"), text);
      await expect(folder.readState()).rejects.toMatchObject({ code: "fleet-damaged" });
    },
  );

  it("is for its owner's eyes", async () => {
    const folder = await open();
    await folder.writeState(state);
    expect((await stat(join(folder.dir, "workload.json"))).mode & 0o777).toBe(0o600);
    expect((await readdir(folder.dir)).sort()).toEqual(["workload.copy.json", "workload.json"]);
  });

  it("is cleared of the workload, and keeps the lock that the clearing happens under", async () => {
    const folder = await open();
    const lock = await acquireLock(folder.dir);
    await folder.writeState(state);
    await folder.writeSpec(0, spec);
    await folder.writeChanging(await ownInstanceId(), [0]);
    await mkdir(join(folder.dir, "journal"));
    await folder.clear();
    expect(await readdir(folder.dir)).toEqual(["lock.1"]);
    await lock.release();
  });
});

describe("the replicas of a folder", () => {
  it("are listed by number, and nothing else beside them", async () => {
    const folder = await open();
    for (const index of [10, 2, 0]) await folder.writeSpec(index, spec);
    await mkdir(join(folder.dir, "replicas", "old"));
    await mkdir(join(folder.dir, "replicas", "-1"));
    expect(await folder.indices()).toEqual([0, 2, 10]);
    await folder.removeReplica(2);
    expect([await folder.indices(), await folder.readSpec(2)]).toEqual([[0, 10], undefined]);
  });
});

describe("the replicas that are being changed", () => {
  it("are those that a living executor has announced, as long as it holds the lock", async () => {
    const folder = await open();
    const lock = await acquireLock(folder.dir);
    await folder.writeChanging(await ownInstanceId(), [1, 3]);
    expect(await folder.changing()).toEqual(new Set([1, 3]));
    await lock.release();
    expect(await folder.changing()).toEqual(new Set());
  });

  it("are none of an executor that died, or that another has succeeded", async () => {
    const folder = await open();
    await mkdir(folder.dir, { recursive: true });
    await folder.writeChanging("999999999@1", [1]);
    await writeFile(join(folder.dir, "lock.1"), JSON.stringify({ owner: "999999999@1" }));
    expect(await folder.changing()).toEqual(new Set());
    const lock = await acquireLock(folder.dir);
    expect(await folder.changing()).toEqual(new Set());
    await folder.writeChanging(await ownInstanceId(), [2]);
    expect(await folder.changing()).toEqual(new Set([2]));
    await folder.removeChanging();
    expect(await folder.changing()).toEqual(new Set());
    await lock.release();
  });
});

describe("the journals of a folder", () => {
  it("are pruned to the newest 256, and what is no journal stays", async () => {
    const folder = await open();
    await mkdir(join(folder.dir, "journal"), { recursive: true });
    const numbers = Array.from({ length: 259 }, (_, i) => i);
    await Promise.all(
      numbers.map(async (number) => {
        const path = folder.journalPath(`d${number}`);
        await writeFile(path, "");
        // The names' order is not that of their age.
        await utimes(path, 1_000, 1_000_000 - number);
      }),
    );
    await writeFile(join(folder.dir, "journal", "notes.txt"), "");
    await folder.pruneJournals();
    const left = await readdir(join(folder.dir, "journal"));
    const expected = [...numbers.slice(0, 256).map((number) => `d${number}.jsonl`), "notes.txt"];
    expect(left.sort()).toEqual(expected.sort());
    await folder.pruneJournals();
    expect(await readdir(join(folder.dir, "journal"))).toHaveLength(257);
  });
});

import { appendFile, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { carryOut, FleetError, verifyRollout, type WorkloadState } from "../../../src/engines/fleet/index.js";
import { TestClock } from "../../harness/clock.js";
import { healthyRelease, kill, startTestFleet, type TestFleet, v1, v2, waitForHealthy } from "./testFleet.js";
import { timing } from "./timing.js";

const releases = async ({ driver }: TestFleet) => (await driver.list()).map(({ release }) => release.name);
const instances = async ({ driver }: TestFleet) => (await driver.list()).map(({ instance }) => instance);
const stateOf = async ({ dir }: TestFleet) =>
  JSON.parse(await readFile(join(dir, "workload.json"), "utf8")) as WorkloadState;
const kindOf = async (promise: Promise<unknown>) => {
  const error = await promise.catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(FleetError);
  return (error as FleetError).kind;
};

describe("Deploy", () => {
  it("takes a fleet to a healthy release, batch by batch, and remembers both as good", async () => {
    const fleet = await startTestFleet({ replicas: 3 });
    const v3 = await healthyRelease("v3");
    const order = { kind: "Deploy", workload: "web", release: v3, batch: 2 } as const;
    const steps: string[] = [];
    const result = await carryOut(order, { ...fleet.context("d1"), onStep: (step) => steps.push(step) });

    expect(result).toMatchObject({
      result: "done",
      detail: [0, 1, 2].map((n) => ({ subject: `replica/web/${n}`, result: "done" })),
    });
    expect(await releases(fleet)).toEqual(["v3", "v3", "v3"]);
    expect(verifyRollout(order, await fleet.driver.list())).toMatchObject({ holds: true });
    expect(await stateOf(fleet)).toMatchObject({ current: v3, good: [v1, v3], rollout: null });
    expect(steps.filter((step) => /^(start|check) /.test(step))).toEqual([
      "start 0",
      "start 1",
      "check batch 0",
      "start 2",
      "check batch 1",
    ]);
  });

  it("ends at the first batch that fails, and leaves that batch and all others as they are", async () => {
    const fleet = await startTestFleet({ replicas: 3 });
    const before = await instances(fleet);
    const order = { kind: "Deploy", workload: "web", release: v2, batch: 1 } as const;
    const result = await carryOut(order, { ...fleet.context("d1"), progressDeadlineMs: 300 });

    expect(result.result).toBe("failed");
    expect(result.detail.map((each) => each.result)).toEqual(["failed", "skipped", "skipped"]);
    expect(await releases(fleet)).toEqual(["v2", "v1", "v1"]);
    expect((await instances(fleet)).slice(1)).toEqual(before.slice(1));
    expect(await stateOf(fleet)).toMatchObject({ current: v2, good: [v1] });
    const seen = await fleet.driver.list();
    expect(verifyRollout(order, seen, "failed")).toMatchObject({ holds: true });
    expect(verifyRollout(order, seen, "done")).toMatchObject({ holds: false });
  });

  it("fails a release that ends at its start, without waiting for the deadline", async () => {
    const fleet = await startTestFleet({ replicas: 1 });
    const dying = await healthyRelease("dying", () => "process.exit(3);\n");
    const order = { kind: "Deploy", workload: "web", release: dying, batch: 1 } as const;
    const result = await carryOut(order, { ...fleet.context("d1"), progressDeadlineMs: 600_000 });
    expect(result.detail[0]).toMatchObject({ result: "failed", note: expect.stringContaining("died") });
  });

  it("fails a release that comes and goes, since flapping does not set the deadline back", async () => {
    const fleet = await startTestFleet({ replicas: 1 });
    // Every second look finds it unhealthy, however far apart the looks are.
    const flapping = await healthyRelease("flapping", (source) =>
      `let looks = 0;\n${source}`.replace("found ? 200", "found && ++looks % 2 === 1 ? 200"),
    );
    const order = { kind: "Deploy", workload: "web", release: flapping, batch: 1 } as const;
    const result = await carryOut(order, { ...fleet.context("d1"), minReadyMs: 400, progressDeadlineMs: 1_200 });
    expect(result.result).toBe("failed");
  });

  it("refuses a release whose entry file is not the one that was voted for, and changes nothing", async () => {
    const fleet = await startTestFleet({ replicas: 2 });
    const before = await instances(fleet);
    const v3 = await healthyRelease("v3");
    await appendFile(v3.command[1] ?? "", "// changed after the vote\n");
    const order = { kind: "Deploy", workload: "web", release: v3, batch: 1 } as const;
    expect(await kindOf(carryOut(order, fleet.context("d1")))).toBe("hash-mismatch");
    expect(await instances(fleet)).toEqual(before);
    expect(await stateOf(fleet)).toMatchObject({ current: v1, rollout: null });
  });

  it("fails when the entry file is changed while the rollout runs", async () => {
    const fleet = await startTestFleet({ replicas: 2 });
    const v3 = await healthyRelease("v3");
    const order = { kind: "Deploy", workload: "web", release: v3, batch: 1 } as const;
    const { promise: changed, resolve } = Promise.withResolvers<void>();
    const tamper = (step: string) => {
      if (step === "checked batch 0") resolve(writeFile(v3.command[1] ?? "", "process.exit(0);\n"));
    };
    const result = await carryOut(order, { ...fleet.context("d1"), onStep: tamper });
    await changed;
    expect(result.detail.map((each) => each.result)).toEqual(["done", "failed"]);
    expect(await releases(fleet)).toEqual(["v3", "v1"]);
  });

  it("refuses a release without a file, an order for another fleet and a fleet that was never started", async () => {
    const fleet = await startTestFleet({ replicas: 1 });
    const missing = { ...v1, name: "gone", command: ["node", "nowhere.mjs"], sha256: v2.sha256 };
    const deploy = (release: typeof v1, workload = "web") => ({ kind: "Deploy", workload, release, batch: 1 }) as const;
    expect(await kindOf(carryOut(deploy(missing), fleet.context("d1")))).toBe("not-startable");
    expect(await kindOf(carryOut(deploy(v2, "other"), fleet.context("d2")))).toBe("unknown-workload");
    const nothing = await startTestFleet({ replicas: 0 });
    expect(await kindOf(carryOut(deploy(v2), nothing.context("d1")))).toBe("unknown-workload");
  });
});

describe("Rollback", () => {
  it("takes a fleet back from a failed deploy to the release before, and leaves alone what stayed on it", async () => {
    const fleet = await startTestFleet({ replicas: 3 });
    await carryOut(
      { kind: "Deploy", workload: "web", release: v2, batch: 1 },
      { ...fleet.context("d1"), progressDeadlineMs: 300 },
    );
    const before = await instances(fleet);
    const order = { kind: "Rollback", workload: "web", from: v2.sha256, to: null } as const;
    const result = await carryOut(order, fleet.context("d2"));

    expect(result.result).toBe("done");
    expect(await releases(fleet)).toEqual(["v1", "v1", "v1"]);
    expect((await instances(fleet)).slice(1)).toEqual(before.slice(1));
    expect(await stateOf(fleet)).toMatchObject({ current: v1, good: [v1] });
    expect(verifyRollout(order, await fleet.driver.list())).toMatchObject({ holds: true });
  });

  it("does nothing where the fleet is not on the release to be left", async () => {
    const fleet = await startTestFleet({ replicas: 1 });
    const before = await instances(fleet);
    const result = await carryOut(
      { kind: "Rollback", workload: "web", from: v2.sha256, to: null },
      fleet.context("d1"),
    );
    expect(result).toMatchObject({ result: "done", detail: [{ result: "skipped" }] });
    expect(await instances(fleet)).toEqual(before);
  });

  it("goes to a release that is named, and needs one named where there is no earlier good one", async () => {
    const fleet = await startTestFleet({ replicas: 1 });
    const back = { kind: "Rollback", workload: "web", from: v1.sha256, to: null } as const;
    expect(await kindOf(carryOut(back, fleet.context("d1")))).toBe("no-earlier-release");
    const v0 = await healthyRelease("v0");
    expect(await carryOut({ ...back, to: v0 }, fleet.context("d2"))).toMatchObject({ result: "done" });
    expect(await releases(fleet)).toEqual(["v0"]);
  });

  it("interrupts an unfinished deploy of the release to be left, instead of ending it first", async () => {
    const fleet = await startTestFleet({ replicas: 2 });
    const stop = new AbortController();
    const interrupted = carryOut(
      { kind: "Deploy", workload: "web", release: v2, batch: 1 },
      {
        ...fleet.context("d1"),
        progressDeadlineMs: 600_000,
        signal: stop.signal,
        onStep: (step) => {
          if (step === "check batch 0") stop.abort(new Error("the agent stops"));
        },
      },
    );
    await expect(interrupted).rejects.toThrow("the agent stops");
    const back = { kind: "Rollback", workload: "web", from: v2.sha256, to: null } as const;
    expect(await carryOut(back, fleet.context("d2"))).toMatchObject({ result: "done" });
    expect(await releases(fleet)).toEqual(["v1", "v1"]);
    const again = await carryOut({ kind: "Deploy", workload: "web", release: v2, batch: 1 }, fleet.context("d1"));
    expect(again).toMatchObject({ result: "failed", detail: [{ note: expect.stringContaining("aborted") }] });
    expect(await releases(fleet)).toEqual(["v1", "v1"]);
  });
});

describe("Scale", () => {
  it("adds workloads that prove healthy, and takes the last ones away", async () => {
    const fleet = await startTestFleet({ replicas: 2 });
    const before = await instances(fleet);
    const out = { kind: "Scale", workload: "web", replicas: 4 } as const;
    expect(await carryOut(out, fleet.context("d1"))).toMatchObject({ result: "done" });
    expect(verifyRollout(out, await fleet.driver.list())).toMatchObject({ holds: true });
    expect((await instances(fleet)).slice(0, 2)).toEqual(before);

    const down = { kind: "Scale", workload: "web", replicas: 1 } as const;
    expect(verifyRollout(down, await fleet.driver.list())).toMatchObject({ holds: false });
    const result = await carryOut(down, fleet.context("d2"));
    expect(result.detail.map(({ subject }) => subject)).toEqual([1, 2, 3].map((n) => `replica/web/${n}`));
    expect(await instances(fleet)).toEqual(before.slice(0, 1));
    expect(await readdir(join(fleet.dir, "replicas"))).toEqual(["0"]);
  });
});

describe("Restart", () => {
  it("starts a dead workload again, and no more once it has a newer instance", async () => {
    const fleet = await startTestFleet({ replicas: 2 });
    const [, dead] = await instances(fleet);
    kill(dead);
    const order = { kind: "Restart", replica: "web/1", instance: dead ?? "" } as const;
    expect(verifyRollout(order, await fleet.driver.list())).toMatchObject({ holds: false });
    expect(await carryOut(order, fleet.context("d1"))).toMatchObject({ result: "done" });
    const [, born] = await instances(fleet);
    expect(born).not.toBe(dead);
    expect(verifyRollout(order, await fleet.driver.list())).toMatchObject({ holds: true });

    expect(await carryOut(order, fleet.context("d2"))).toMatchObject({ result: "done" });
    expect((await instances(fleet))[1]).toBe(born);
  });

  it("replaces a workload that hangs", async () => {
    const fleet = await startTestFleet({ replicas: 1 });
    const [hung] = await instances(fleet);
    kill(hung, "SIGSTOP");
    expect(await fleet.driver.list()).toMatchObject([{ alive: true, healthy: false, latencyMs: null }]);
    const order = { kind: "Restart", replica: "web/0", instance: hung ?? "" } as const;
    expect(await carryOut(order, fleet.context("d1"))).toMatchObject({ result: "done" });
    expect(await fleet.driver.list()).toMatchObject([{ alive: true, healthy: true }]);
  });

  it("says that a newer instance which is dead too is no success", async () => {
    const fleet = await startTestFleet({ replicas: 1 });
    const [now] = await instances(fleet);
    kill(now);
    const order = { kind: "Restart", replica: "web/0", instance: "1@1" } as const;
    expect(await carryOut(order, fleet.context("d1"))).toMatchObject({ result: "failed" });
    expect(await instances(fleet)).toEqual([now]);
  });

  it("refuses a workload that the fleet does not have", async () => {
    const fleet = await startTestFleet({ replicas: 1 });
    for (const replica of ["web/1", "web/01", "db/0", "web/x"]) {
      const order = { kind: "Restart", replica, instance: "1@1" } as const;
      expect(await kindOf(carryOut(order, fleet.context(replica.replace("/", "-"))))).toBe("unknown-replica");
    }
  });
});

describe("one after another", () => {
  it("lets one executor act at a time, and tells all nodes what it is changing", async () => {
    const fleet = await startTestFleet({ replicas: 2 });
    const v3 = await healthyRelease("v3");
    const order = { kind: "Deploy", workload: "web", release: v3, batch: 2 } as const;
    let second: Promise<unknown> | undefined;
    let seen: Promise<boolean[]> | undefined;
    const result = await carryOut(order, {
      ...fleet.context("d1"),
      onStep: (step) => {
        if (step !== "check batch 0") return;
        second = carryOut({ kind: "Scale", workload: "web", replicas: 1 }, fleet.context("d2")).catch(
          (reason: unknown) => reason,
        );
        seen = fleet.driver.list().then((statuses) => statuses.map(({ changing }) => changing));
      },
    });
    expect(result.result).toBe("done");
    expect(await second).toMatchObject({ kind: "busy", retryable: true });
    expect(await seen).toEqual([true, true]);
    expect((await fleet.driver.list()).map(({ changing }) => changing)).toEqual([false, false]);
  });

  it("returns the first result when asked again, and touches nothing", async () => {
    const fleet = await startTestFleet({ replicas: 2 });
    const v3 = await healthyRelease("v3");
    const order = { kind: "Deploy", workload: "web", release: v3, batch: 1 } as const;
    const first = await carryOut(order, fleet.context("d1"));
    const [one, two] = await instances(fleet);
    kill(one);
    expect(await carryOut(order, { ...fleet.context("d1") })).toEqual(first);
    expect(await instances(fleet)).toEqual([one, two]);
  });

  it("ends an interrupted rollout before it begins the next", async () => {
    const fleet = await startTestFleet({ replicas: 2 });
    const v3 = await healthyRelease("v3");
    const stop = new AbortController();
    const deploy = { kind: "Deploy", workload: "web", release: v3, batch: 1 } as const;
    const onStep = (step: string) => {
      if (step === "start 1") stop.abort(new Error("the agent stops"));
    };
    await expect(carryOut(deploy, { ...fleet.context("d1"), signal: stop.signal, onStep })).rejects.toThrow(
      "the agent stops",
    );
    expect(await stateOf(fleet)).toMatchObject({ rollout: "d1" });
    const scale = { kind: "Scale", workload: "web", replicas: 3 } as const;
    expect(await carryOut(scale, fleet.context("d2"))).toMatchObject({ result: "done" });
    await waitForHealthy(fleet.driver, 3);
    expect(await releases(fleet)).toEqual(["v3", "v3", "v3"]);
  });
});

describe("a rollout under a wall clock that steps", () => {
  it.each([-3_600_000, 3_600_000])(
    "by %i ms ends the same, and measures its duration without the step",
    async (step) => {
      const fleet = await startTestFleet({ replicas: 2 });
      const v3 = await healthyRelease("v3");
      const clock = new TestClock();
      const order = { kind: "Deploy", workload: "web", release: v3, batch: 1 } as const;
      const onStep = () => clock.stepWall(step);
      const stop = new AbortController();
      const stopAtCheck = (name: string) => {
        onStep();
        if (name === "checked batch 0") stop.abort(new Error("the agent stops"));
      };
      const killed = carryOut(order, { ...fleet.context("d1"), clock, onStep: stopAtCheck, signal: stop.signal });
      await expect(killed).rejects.toThrow("the agent stops");
      const result = await carryOut(order, { ...fleet.context("d1"), clock, onStep });
      expect(result).toMatchObject({ result: "done" });
      expect(result.durationMs).toBeGreaterThanOrEqual(2 * timing.minReadyMs);
      expect(result.durationMs).toBeLessThan(3_600_000);
      expect(await releases(fleet)).toEqual(["v3", "v3"]);
    },
  );
});

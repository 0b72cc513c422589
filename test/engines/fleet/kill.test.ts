import { spawn } from "node:child_process";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { findProcesses } from "../../../src/engines/fleet/drivers/process/processes.js";
import { carryOut, verifyRollout, type WorkloadOrder } from "../../../src/engines/fleet/index.js";
import { nameOfSubject, type Release } from "../../../src/records/index.js";
import { bundle } from "../../harness/bundle.js";
import { temporaryFolder } from "../../harness/folder.js";
import { shortOrLong } from "../../harness/soak.js";
import type { ExecutorChildArguments } from "./executorChild.js";
import { healthyRelease, kill, openTestFleet, startTestFleet, type TestFleet } from "./testFleet.js";

/** Carries an order out in another process, which is killed at its n-th step. */
async function executorKilledAt(
  fleet: TestFleet,
  directiveId: string,
  order: WorkloadOrder,
  killAtStep: number,
): Promise<void> {
  const options: ExecutorChildArguments = { dir: fleet.dir, basePort: fleet.basePort, directiveId, order, killAtStep };
  const script = await bundle(new URL("./executorChild.ts", import.meta.url));
  const args = [script, JSON.stringify(options)];
  const child = spawn(process.execPath, args, { stdio: ["ignore", "inherit", "inherit"] });
  const signal = await new Promise((resolve) => child.once("exit", (_, by) => resolve(by)));
  expect(signal, `step ${killAtStep} was never reached`).toBe("SIGKILL");
}

/** A healthy release that writes down each of its starts, so that no start goes unseen. */
async function countingRelease(): Promise<{ release: Release; starts: () => Promise<string[]> }> {
  const log = join(temporaryFolder(), "starts.txt");
  const count = `import { appendFileSync } from "node:fs";
    appendFileSync(${JSON.stringify(log)}, process.env.WITAN_REPLICA + "\\n");\n`;
  const release = await healthyRelease("counting", (source) => count + source);
  return { release, starts: async () => (await readFile(log, "utf8")).trim().split("\n").sort() };
}

async function oneProcessEach(fleet: TestFleet): Promise<void> {
  for (const { subject } of await fleet.driver.list()) {
    const found = await findProcesses({ workloadDir: fleet.dir, replica: nameOfSubject(subject) });
    expect(found, subject).toHaveLength(1);
  }
}

// plan, begun, then start, stopped, spawned for each workload, check and checked for each batch, finished.
const DEPLOY_STEPS = 2 + 3 * 3 + 2 * 2 + 1;
const RESTART_STEPS = 2 + 3 + 2 + 1;
/** Every other step, and each one in a soak. */
const steps = (count: number) =>
  Array.from({ length: count }, (_, i) => i + 1).filter((step) => step % shortOrLong(2, 1) === 0);

describe("an executor that is killed", () => {
  let shared: Awaited<ReturnType<typeof openTestFleet>>;
  // Each deploy takes the fleet from the release of the one before to one of its own.
  beforeAll(async () => {
    shared = await openTestFleet({ replicas: 3 });
  });
  afterAll(() => shared.close());

  it.each(steps(DEPLOY_STEPS))(
    "at step %i of a deploy: another goes on, ends the same and starts nothing twice",
    async (step) => {
      const fleet = shared;
      const { release, starts } = await countingRelease();
      const order = { kind: "Deploy", workload: "web", release, batch: 2 } as const;
      const directiveId = `deploy-${step}`;
      await executorKilledAt(fleet, directiveId, order, step);
      const result = await carryOut(order, fleet.context(directiveId));

      expect(result.detail.map(({ subject, result: each }) => [subject, each])).toEqual(
        [0, 1, 2].map((n) => [`replica/web/${n}`, "done"]),
      );
      expect(await starts()).toEqual(["web/0", "web/1", "web/2"]);
      await oneProcessEach(fleet);
      expect(verifyRollout(order, await fleet.driver.list())).toMatchObject({ holds: true });
      expect(await carryOut(order, fleet.context(directiveId))).toEqual(result);
      expect(await starts()).toHaveLength(3);
    },
  );

  it.each(steps(RESTART_STEPS))("at step %i of a restart: the workload is started again once", async (step) => {
    const { release, starts } = await countingRelease();
    const fleet = await startTestFleet({ replicas: 1, release });
    const [status] = await fleet.driver.list();
    kill(status?.instance);
    const order = { kind: "Restart", replica: "web/0", instance: status?.instance ?? "" } as const;
    await executorKilledAt(fleet, "d1", order, step);

    expect(await carryOut(order, fleet.context("d1"))).toMatchObject({ result: "done" });
    expect(await starts()).toEqual(["web/0", "web/0"]);
    await oneProcessEach(fleet);
    expect(verifyRollout(order, await fleet.driver.list())).toMatchObject({ holds: true });
  });

  it("again and again: each goes on where the one before was killed", async () => {
    const fleet = shared;
    const { release, starts } = await countingRelease();
    const order = { kind: "Deploy", workload: "web", release, batch: 1 } as const;
    for (const step of [5, 4, 4, 3]) await executorKilledAt(fleet, "d1", order, step);
    expect(await carryOut(order, fleet.context("d1"))).toMatchObject({ result: "done" });
    expect(await starts()).toEqual(["web/0", "web/1", "web/2"]);
    await oneProcessEach(fleet);
  });

  it("while it takes workloads away: those that are left over go, the others stay", async () => {
    const fleet = await startTestFleet({ replicas: 3 });
    const before = (await fleet.driver.list()).map(({ instance }) => instance);
    const order = { kind: "Scale", workload: "web", replicas: 1 } as const;
    // plan, begun, remove 1, stopped 1
    await executorKilledAt(fleet, "d1", order, 4);
    expect(await carryOut(order, fleet.context("d1"))).toMatchObject({ result: "done" });
    expect((await fleet.driver.list()).map(({ instance }) => instance)).toEqual(before.slice(0, 1));
    await oneProcessEach(fleet);
  });
});

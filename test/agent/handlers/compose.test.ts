import { describe, expect, it, onTestFinished } from "vitest";
import { type ComposeHandlersDependencies, composeHandlers } from "../../../src/agent/handlers/compose.js";
import { systemClock } from "../../../src/utils/clock.js";
import { createLogger } from "../../../src/utils/logger.js";
import { createTestDao } from "../../harness/dao.js";
import { temporaryFolder } from "../../harness/folder.js";

/** The handlers of a node with these engines, and the topics that it listens on. */
async function composed(engines: Partial<ComposeHandlersDependencies["config"]>) {
  const setting = await createTestDao({ nodes: 1 });
  onTestFinished(() => setting.close());
  const topics = new Set<string>();
  const dependencies: ComposeHandlersDependencies = {
    config: {
      chain: { confirmations: 1 },
      dataDir: temporaryFolder(),
      fleet: undefined,
      learning: undefined,
      traffic: undefined,
      takeoverMs: 1_000,
      ...engines,
    },
    self: `0x${"11".repeat(20)}`,
    client: setting.client(),
    clock: systemClock,
    logger: createLogger("silent", () => undefined),
    gossip: {
      publish: async () => 0,
      subscribe: (topic) => {
        topics.add(topic);
        return () => topics.delete(topic);
      },
    },
    outbox: { settle: async () => undefined, submit: () => Promise.reject(new Error("nothing is submitted here")) },
    isMember: async () => true,
    seal: async () => new Uint8Array(),
  };
  return { compose: () => composeHandlers(dependencies), topics };
}

describe("what a node can execute", () => {
  it("is what takes effect on chain alone and how others carry out rollouts, without any engine", async () => {
    const { compose, topics } = await composed({});
    const { close, handlers, listReplicas, rollouts, tasks, testModel, workloads } = await compose();
    expect(handlers.map(({ isLeaderless }) => isLeaderless)).toEqual([true, true, true]);
    // It hears how rollouts of the mesh go, and attests how they end.
    expect(rollouts()).toMatchObject({ replicas: [], incomplete: null });
    expect([await listReplicas(), workloads.size, tasks.size, topics.size]).toEqual([[], 0, 0, 1]);
    expect(await testModel({} as never, undefined)).toBeUndefined();
    await close();
  });

  it("includes the replicas that the mesh places on its host", async () => {
    const run = {
      ...{ ports: { from: 21_000, count: 4 }, listen: { host: "127.0.0.1", port: 0 } },
      maxReleaseBytes: 1_048_576,
    };
    const { compose } = await composed({ host: { labels: {}, addresses: [], slots: 2, run } });
    const running = await compose();
    expect(running.rollouts()).toMatchObject({ replicas: [] });
    // Its folder is one agent's at a time.
    await expect(compose()).rejects.toMatchObject({ code: "fleet-busy" });
    await running.close();
    await (await compose()).close();
  });

  it("includes orders on the workload that it runs", async () => {
    const dir = temporaryFolder();
    const fleet = { dir, workload: "web", basePort: 9_000, progressDeadlineMs: 1_000, maxReleaseBytes: 1_048_576 };
    const { compose } = await composed({ fleet });
    const { close, handlers, listReplicas, workloads } = await compose();
    expect(handlers.flatMap(({ kinds }) => kinds)).toContain("Deploy");
    expect([await listReplicas(), [...workloads]]).toEqual([[], ["web"]]);
    await close();
  });

  it("includes the traffic to the workload's replicas, until it is closed", async () => {
    const limits = { maxReleaseBytes: 1e9, progressDeadlineMs: 1_000 };
    const fleet = { dir: temporaryFolder(), workload: "web", basePort: 9_000, ...limits };
    const traffic = { port: 0, host: "127.0.0.1", hosts: {}, balance: "round-robin", trustForwarded: false } as const;
    const { compose } = await composed({ fleet, traffic });
    const running = await compose();
    const { address, workloads } = running.traffic() ?? {};
    expect(workloads).toMatchObject([{ workload: "web", requests: 0, replicas: [] }]);
    const ask = () => fetch(`http://127.0.0.1:${address?.port}/`, { headers: { connection: "close" } });
    expect((await ask()).status).toBe(404);
    await expect(
      (await composed({ fleet, traffic: { ...traffic, port: address?.port ?? 0 } })).compose(),
    ).rejects.toThrow(`cannot listen on 127.0.0.1, port ${address?.port}`);
    await running.close();
    await expect(ask()).rejects.toThrow();
    expect((await (await composed({ fleet })).compose()).traffic()).toBeNull();
  });

  it("includes rounds of the task that it trains, whose topic it leaves when it ends", async () => {
    const { compose, topics } = await composed({ learning: { task: "mnist", index: 0, shards: 2, seed: 7 } });
    const { close, handlers, tasks } = await compose();
    expect(handlers.flatMap(({ kinds }) => kinds)).toContain("StartRound");
    expect([[...tasks], topics.size]).toEqual([["mnist"], 2]);
    await close();
    expect(topics.size).toBe(0);
  });

  it("is nothing if the configuration names an unknown task", async () => {
    const { compose } = await composed({ learning: { task: "chess", index: 0, shards: 2, seed: 7 } });
    await expect(compose()).rejects.toMatchObject({ message: expect.stringContaining('there is no task "chess"') });
  });
});

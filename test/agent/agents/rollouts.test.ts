import { expect, it, onTestFinished } from "vitest";
import type { Client } from "../../../src/client/index.js";
import type { Hex, WorkloadSpec } from "../../../src/records/index.js";
import { fastClock } from "../../harness/fastClock.js";
import { MemoryHost, probeMemoryHost, type QualityOf } from "../../harness/memoryHost.js";
import { deploySpec, issueOrder } from "../../harness/workloads.js";
import { agentsOf } from "./agentsOf.js";

const HOSTS = 5;
/** Seconds of the mesh in one of the test. */
const PACE = 10;
const patience = { timeout: 100_000, interval: 250 };

/** Three first, then two; one host may fail alone. */
const canary: Partial<WorkloadSpec> = {
  replicas: HOSTS,
  spread: null,
  selector: {},
  strategy: { kind: "canary", maxUnavailable: 4, maxSurge: 0, shares: [60, 100], soakSeconds: 10 },
  failureLimit: 1,
  timing: {
    startSeconds: 15,
    minReadySeconds: 6,
    progressSeconds: 60,
    probeSeconds: 2,
    intervalSeconds: 6,
    lagSeconds: 15,
  },
  probe: { path: "/health", timeoutMs: 2_000 },
};

/** Five hosts with an agent each, on one clock with their chain. */
async function meshOf() {
  const sick = new Set<string>();
  const qualityAt =
    (index: number): QualityOf =>
    (release) =>
      sick.has(`${index} ${release}`) ? "sick" : "good";
  const machines = Array.from({ length: HOSTS }, (_, index) => new MemoryHost(qualityAt(index)));
  const clocks: ReturnType<typeof fastClock>[] = [];
  const mesh = await agentsOf({
    nodes: HOSTS,
    readsPlacement: true,
    hosting: (index) => {
      const [clock] = clocks;
      const driver = machines[index];
      if (clock === undefined || driver === undefined) throw new Error("there is no such machine");
      return { clock, driver, probe: probeMemoryHost };
    },
  });
  onTestFinished(async () => {
    await Promise.all(machines.map((machine) => machine.destroy()));
  });
  const { connect, operator, witan } = mesh;
  const chainTime = async () => {
    const latest = await witan.provider.request({ method: "eth_getBlockByNumber", params: ["latest", false] });
    return Number((latest as { timestamp: string }).timestamp);
  };
  for (const [index, machine] of machines.entries()) {
    const client = await connect(operator(index));
    const host = { labels: {}, addresses: [await machine.listen()], slots: 4, draining: false };
    await client.describeHost({ host });
  }
  const clock = fastClock(PACE, await chainTime());
  clocks.push(clock);

  // The chain's time follows the clock.
  const stopping = new AbortController();
  const beating = (async () => {
    while (!stopping.signal.aborted) {
      const behind = Math.floor(clock.now() / 1_000) - (await chainTime());
      if (behind > 0) await witan.increaseTime(behind);
      await clock.sleep(1_000, stopping.signal).catch(() => undefined);
    }
  })();
  onTestFinished(async () => {
    stopping.abort();
    await beating;
  });
  const byHand: Client = await connect(operator(0));
  const issue = (release: string, changes: Partial<WorkloadSpec> = {}): Promise<Hex> =>
    issueOrder(
      { client: () => byHand, content: byHand.content, witan },
      deploySpec("web", release, { ...canary, ...changes }),
    );
  const statusOf = async (directiveId: Hex) => (await byHand.getDirective({ directiveId })).status;
  const served = () => machines.flatMap((machine) => [...machine.served.values()]);
  /** The machines that serve a release, by index. */
  const serving = (release: string) =>
    machines.flatMap(({ served: own }, index) => ([...own.values()].includes(release) ? index : []));
  const all = (release: string) => Array.from({ length: HOSTS }, () => release);
  await mesh.start(0, 1, 2, 3, 4);
  return { ...mesh, machines, byHand, issue, statusOf, served, serving, sick, all };
}

it("places a first deploy, and takes a second release through its stages, until both are done", {
  timeout: 240_000,
}, async () => {
  const { all, byHand, issue, machines, served, statusOf } = await meshOf();
  const first = await issue("v1");
  await expect.poll(() => statusOf(first), patience).toBe("Done");
  expect(served()).toEqual(all("v1"));

  const second = await issue("v2");
  await expect.poll(() => statusOf(second), patience).toBe("Done");
  await expect.poll(served, patience).toEqual(all("v2"));
  // Nothing started twice.
  for (const { history } of machines) {
    const started = history.filter((each) => each.startsWith("start")).map((each) => each.split(" ")[2]);
    expect(started).toEqual(["v1", "v2"]);
  }
  const { outcome } = await byHand.getDirective({ directiveId: second });
  const { value } = await byHand.fetchRecord({ contentId: outcome ?? "0x", kind: "Outcome" });
  expect(value).toMatchObject({ result: "done", detail: [{ subject: "workload/web", result: "done" }], produced: [] });
});

it("stops a release that turns sick at its canary, and turns back what is healthy only by what was enacted, without a vote", {
  timeout: 240_000,
}, async () => {
  const { all, byHand, issue, machines, served, serving, sick, statusOf } = await meshOf();
  const first = await issue("v1");
  await expect.poll(() => statusOf(first), patience).toBe("Done");
  const soak = { ...canary.strategy, soakSeconds: 300 } as WorkloadSpec["strategy"];
  const second = await issue("v2", { strategy: soak });
  await expect.poll(() => serving("v2").length, patience).toBe(3);
  const [healthy, ...others] = serving("v2");
  for (const index of others) sick.add(`${index} v2`);

  // Those that are sick go back at once, alone.
  await expect.poll(() => serving("v2"), patience).toEqual([healthy]);
  await expect.poll(() => statusOf(second), patience).toBe("Failed");
  expect(serving("v2")).toEqual([healthy]);
  await expect.poll(served, patience).toEqual(all("v1"));
  const took = machines.filter(({ history }) =>
    history.some((each) => each.startsWith("start") && each.endsWith("v2")),
  );
  expect(took).toHaveLength(3);
  expect(await byHand.listProposals()).toEqual([]);
});

it("ends the same after an agent was stopped in the middle, and is not turned back by one host that lies", {
  timeout: 240_000,
}, async () => {
  const { all, issue, machines, served, serving, start, statusOf, stop } = await meshOf();
  const first = await issue("v1");
  await expect.poll(() => statusOf(first), patience).toBe("Done");
  const second = await issue("v2");
  await expect.poll(() => serving("v2").length, patience).toBe(3);
  const [away, lying] = serving("v2");
  const liar = machines[lying ?? 0];
  if (away === undefined || liar === undefined) throw new Error("nothing serves v2");
  const { sha256 } = deploySpec("web", "v2").release;
  liar.lie = (instance) => (instance.release === sha256 ? { ...instance, alive: false, healthy: false } : instance);
  await stop(away);
  await expect.poll(() => serving("v2"), patience).not.toContain(lying);
  await start(away);

  await expect.poll(() => statusOf(second), patience).toBe("Done");
  liar.lie = (instance) => instance;
  await expect.poll(served, patience).toEqual(all("v2"));
  // The agent that was away found what it had started.
  const starts = machines[away]?.history.filter((each) => each.startsWith("start"));
  expect(starts).toHaveLength(2);
});

it("starts a replica that died again at once, outside of a rollout", { timeout: 240_000 }, async () => {
  const { all, issue, machines, served, statusOf } = await meshOf();
  const first = await issue("v1");
  await expect.poll(() => statusOf(first), patience).toBe("Done");
  await expect.poll(served, patience).toEqual(all("v1"));
  const [machine] = machines;
  const [replica] = machine?.served.keys() ?? [];
  await machine?.kill(replica ?? "");
  expect(served()).toHaveLength(HOSTS - 1);
  await expect.poll(served, patience).toEqual(all("v1"));
});

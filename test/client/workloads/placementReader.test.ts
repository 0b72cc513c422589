import { describe, expect, it, vi } from "vitest";
import { createPlacementReader, NO_RELEASE, type PlacementReader } from "../../../src/client/index.js";
import { createMemoryContent } from "../../../src/ports/content/index.js";
import { type Address, contentIdToCid, type HostDescriptor } from "../../../src/records/index.js";
import { useTestDao } from "../../harness/dao.js";
import { suspendSeats } from "../../harness/suspend.js";
import { deploySpec, enact, issueOrder, releaseNamed } from "../../harness/workloads.js";

type Machine = Omit<HostDescriptor, "schema">;
const machine = (zone: string, changes: Partial<Machine> = {}): Machine => ({
  ...{ labels: { zone }, addresses: [], slots: 2, draining: false },
  ...changes,
});

describe("placement from the chain", () => {
  const dao = useTestDao({ nodes: 5 });
  const head = () => dao.client().chain.blockNumber();
  const now = async (reader: PlacementReader) => reader.at(await head());
  const readerOf = (content = dao.content, clock = { monotonic: () => 0 }) =>
    createPlacementReader({ chain: dao.client().chain, content, clock });
  const operator = (index: number) => dao.witan.operators[index]?.address as Address;
  const describeHosts = async () => {
    for (const [index, zone] of ["a", "a", "b"].entries())
      await dao.client(index).describeHost({ host: machine(zone) });
  };

  it("has hosts and no workload before the first Deploy with a specification", async () => {
    await describeHosts();
    await issueOrder(dao, { kind: "Deploy", workload: "old", release: releaseNamed("v1"), batch: 1 });
    await issueOrder(dao, { kind: "Scale", workload: "old", replicas: 5 });
    const { placement, view, workloads } = await now(readerOf());
    expect(view.hosts).toEqual(
      [0, 1, 2].map((index) => ({
        ...{ name: operator(index), slots: 2, draining: false, present: true },
        labels: { zone: index === 2 ? "b" : "a" },
      })),
    );
    expect([placement.seats.size, workloads.size]).toEqual([0, 0]);
  });

  it("places what a Deploy orders, plans its rollout at the issue's block, and settles it once it is done", async () => {
    await describeHosts();
    const reader = readerOf();
    const first = deploySpec("web", "v1", { spread: "zone" });
    const directive = await issueOrder(dao, first);
    const issuedIn = await head();
    const fleet = await now(reader);
    const web = fleet.workloads.get("web");
    expect([...fleet.placement.seats.keys()]).toEqual(["web/0", "web/1", "web/2"]);
    expect(new Set([...fleet.placement.seats.values()].map(({ host }) => host)).size).toBe(3);
    expect(web).toMatchObject({ name: "web", spec: first.spec, settled: undefined, good: [] });
    const issued = await dao.client().getDirective({ directiveId: directive });
    expect(web?.rollout?.directive).toEqual({
      ...web?.rollout?.directive,
      ...{ id: directive, issuedAt: issued.issuedAt, activeAt: issued.activeAt, deadline: issued.deadline },
      ...{ epoch: issued.epoch, blockNumber: issuedIn, kind: "Deploy" },
    });
    expect(web?.rollout).toMatchObject({
      release: first.release,
      from: undefined,
      issue: { number: issuedIn, time: issued.issuedAt },
      facts: { enacted: null, control: null, now: issued.issuedAt },
      plan: { plan: { from: NO_RELEASE, to: first.release.sha256, failureLimit: 0, waves: [{}, {}] } },
    });

    await enact(dao, directive, "done");
    const done = (await now(reader)).workloads.get("web");
    expect(done).toMatchObject({ settled: { directive, release: first.release }, good: [], rollout: undefined });
    expect(done?.settled?.plan).toEqual(web?.rollout?.plan);
    expect(done?.settled?.at).toBeGreaterThan(issued.issuedAt);
  });

  it("turns back to what was last done: a failed rollout stays, the next one supersedes it, a Rollback skips what it leaves", async () => {
    await describeHosts();
    const reader = readerOf();
    const web = async () => (await now(reader)).workloads.get("web");
    await enact(dao, await issueOrder(dao, deploySpec("web", "v1")), "done");
    await enact(dao, await issueOrder(dao, deploySpec("web", "v2")), "done");
    const third = await issueOrder(dao, deploySpec("web", "v3"));
    expect(await web()).toMatchObject({ settled: { release: { name: "v2" } }, rollout: { from: { name: "v2" } } });
    await enact(dao, third, "failed");
    expect((await web())?.rollout).toMatchObject({
      release: { name: "v3" },
      facts: { enacted: { result: "failed", at: (await now(reader)).blockTime } },
    });

    const fourth = await issueOrder(dao, deploySpec("web", "v4"));
    const fifth = await issueOrder(dao, deploySpec("web", "v5"));
    // What was superseded ends nothing: hosts were told to leave v2.
    await enact(dao, fourth, "done");
    expect(await web()).toMatchObject({ settled: { release: { name: "v2" } }, rollout: { from: { name: "v2" } } });
    await enact(dao, fifth, "done");
    expect(await web()).toMatchObject({ settled: { release: { name: "v5" } }, good: [{ name: "v2" }, { name: "v1" }] });

    const back = await issueOrder(dao, {
      kind: "Rollback",
      workload: "web",
      from: releaseNamed("v5").sha256,
      to: null,
    });
    expect((await web())?.rollout).toMatchObject({ release: { name: "v2" }, from: { name: "v5" } });
    await enact(dao, back, "done");
    // The one that was left is no good release any more.
    expect(await web()).toMatchObject({
      settled: { release: { name: "v2" } },
      good: [{ name: "v1" }],
      rollout: undefined,
    });
  });

  it("goes back without stages, however the workload goes forward", async () => {
    await describeHosts();
    const strategy = { kind: "canary", maxUnavailable: 2, maxSurge: 0, shares: [50, 100], soakSeconds: 60 } as const;
    await enact(dao, await issueOrder(dao, deploySpec("web", "v1", { strategy })), "done");
    const forward = await issueOrder(dao, deploySpec("web", "v2", { strategy }));
    const reader = readerOf();
    const stages = async () =>
      (await now(reader)).workloads
        .get("web")
        ?.rollout?.plan.plan?.waves.map(({ soakSeconds, stage }) => [stage, soakSeconds]);
    expect(await stages()).toEqual([
      [0, 60],
      [1, 60],
    ]);
    await enact(dao, forward, "done");
    await issueOrder(dao, { kind: "Rollback", workload: "web", from: releaseNamed("v2").sha256, to: null });
    expect(await stages()).toEqual([
      [0, 0],
      [0, 0],
    ]);
  });

  it("takes a Scale with its issue, and says who was excused of what is open", async () => {
    await describeHosts();
    const reader = readerOf();
    await issueOrder(dao, deploySpec("web", "v1"));
    await issueOrder(dao, { kind: "Scale", workload: "web", replicas: 5 });
    const scaled = await now(reader);
    expect(scaled.placement.seats.size).toBe(5);
    const web = scaled.workloads.get("web");
    expect(web?.spec.replicas).toBe(5);
    // The plan is that of the issue.
    expect(web?.rollout?.plan.plan?.waves.flatMap(({ replicas }) => replicas)).toHaveLength(3);

    await suspendSeats(dao, 0);
    await dao.client(1).describeHost({ host: machine("a", { draining: true }) });
    const moved = await now(reader);
    expect(moved.workloads.get("web")?.rollout?.facts.excused).toEqual(new Set([operator(0), operator(1)]));
    expect(new Set([...moved.placement.seats.values()].map(({ host }) => host))).toEqual(new Set([operator(2)]));
    expect(moved.placement.unplaced).toHaveLength(3);
    await dao.client(0).returnToCommittee();
    expect((await now(reader)).workloads.get("web")?.rollout?.facts.excused.has(operator(0))).toBe(true);
    // As it was asked about before.
    expect(await reader.at(scaled.blockNumber)).toEqual(scaled);
    expect(await now(reader)).toEqual(await now(readerOf()));
  });

  it("excuses a host that lost a replica of the plan by a Scale: nobody waits for its word", async () => {
    await describeHosts();
    const reader = readerOf();
    await issueOrder(dao, deploySpec("web", "v1"));
    const before = (await now(reader)).placement.seats.get("web/2")?.host;
    await issueOrder(dao, { kind: "Scale", workload: "web", replicas: 2 });
    const { placement, workloads } = await now(reader);
    expect(placement.seats.has("web/2")).toBe(false);
    expect(workloads.get("web")?.rollout?.facts.excused).toEqual(new Set([before]));
  });

  it("is incomplete while a payload cannot be had, and then as for those who had it", async () => {
    await describeHosts();
    const content = createMemoryContent();
    let time = 0;
    const reader = readerOf(content, { monotonic: () => time });
    const order = deploySpec("web", "v1", { replicas: 4 });
    const first = await issueOrder(dao, order);
    await issueOrder(dao, { kind: "Scale", workload: "web", replicas: 2 });
    await dao.client(2).describeHost({ host: null });
    const without = await now(reader);
    expect(without.incomplete).toContain(first);
    expect(without.view.hosts).toHaveLength(2);
    expect(without.workloads.size).toBe(0);

    await copyPayloads(content);
    // It does not ask in every cycle.
    expect((await now(reader)).incomplete).toContain(first);
    time += 30_000;
    const complete = await now(reader);
    expect(complete.incomplete).toBeUndefined();
    expect(complete).toEqual(await now(readerOf()));
    expect(complete.placement.seats.size).toBe(2);
  });

  it("does not miss an order on a workload that it does not place", async () => {
    await describeHosts();
    await issueOrder(dao, { kind: "Scale", workload: "old", replicas: 77 }, { store: false });
    await issueOrder(dao, deploySpec("web", "v1"));
    await issueOrder(dao, { kind: "Scale", workload: "old", replicas: 78 }, { store: false });
    const fleet = await now(readerOf());
    expect([fleet.incomplete, fleet.placement.seats.size]).toEqual([undefined, 3]);
    await issueOrder(dao, { kind: "Scale", workload: "web", replicas: 79 }, { store: false });
    expect((await now(readerOf())).incomplete).toContain("cannot be fetched");
  });

  it("leaves an order that makes no sense out, and tells of it", async () => {
    await describeHosts();
    const reader = readerOf();
    await issueOrder(dao, deploySpec("web", "v1"));
    const { kind, workload, release, spec } = deploySpec("api", "v1");
    const lie = await issueOrder(dao, { kind, workload, release, spec }, { subject: "workload/web" });
    const { incomplete, invalid, workloads } = await now(reader);
    expect(incomplete).toBeUndefined();
    expect(invalid).toMatchObject([{ directive: lie, reason: expect.stringContaining("workload/api") }]);
    expect([...workloads.keys()]).toEqual(["web"]);
    expect(workloads.get("web")?.rollout?.release.name).toBe("v1");
  });

  it("asks the chain for what is new alone, and the store for each payload once", async () => {
    await describeHosts();
    await issueOrder(dao, deploySpec("web", "v1"));
    const { chain, content } = await dao.connect();
    const reader = createPlacementReader({ chain, content, clock: { monotonic: () => 0 } });
    const asked = vi.spyOn(chain.provider, "send");
    const fetched = vi.spyOn(content, "get");
    await reader.at(await head());
    await dao.witan.mine(3);
    asked.mockClear();
    await reader.at(await head());
    // The block that it is asked about, the newest block, its events.
    const quiet = asked.mock.calls.length;
    expect(quiet).toBeLessThanOrEqual(4);
    await dao.client(2).describeHost({ host: null });
    asked.mockClear();
    await reader.at(await head());
    expect(asked.mock.calls.length).toBeLessThanOrEqual(quiet + 1);
    expect(fetched).toHaveBeenCalledTimes(1);
  });

  it("begins anew when blocks that it read have left the chain", async () => {
    await describeHosts();
    const reader = readerOf();
    const revert = await dao.witan.snapshot();
    await issueOrder(dao, deploySpec("web", "v1"));
    expect((await now(reader)).workloads.size).toBe(1);
    await revert({ nonces: true });
    await issueOrder(dao, deploySpec("api", "v1"));
    await dao.witan.mine(1);
    const other = await now(reader);
    expect([...other.workloads.keys()]).toEqual(["api"]);
    expect(other).toEqual(await now(readerOf()));
  });

  async function copyPayloads(to: ReturnType<typeof createMemoryContent>): Promise<void> {
    for (const { payload } of await dao.client().listDirectives())
      await to.put(await dao.content.get(contentIdToCid(payload)), { codec: "dag-cbor" });
  }
});

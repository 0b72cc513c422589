import { expect, it } from "vitest";
import { ConfirmedFleet } from "../../../src/agent/workloads/confirmedFleet.js";
import { judgedFleet } from "../../../src/agent/workloads/judgedFleet.js";
import { createPlacementReader } from "../../../src/client/index.js";
import type { Order } from "../../../src/records/index.js";
import { createLogger } from "../../../src/utils/logger.js";
import { useTestDao } from "../../harness/dao.js";
import { deploySpec, enact, issueOrder, releaseNamed } from "../../harness/workloads.js";

const dao = useTestDao({ nodes: 3 });
const logger = createLogger("silent", () => undefined);
const { signal } = new AbortController();
const fleetOf = (finality: number) => {
  const { chain, content } = dao.client();
  const clock = { monotonic: () => 0 };
  return new ConfirmedFleet({ chain, placement: createPlacementReader({ chain, content, clock }), finality });
};
const judge = (order: Order | undefined, fleet?: ConfirmedFleet) => judgedFleet(order, { fleet, logger }, signal);
const batch: Order = { kind: "Deploy", workload: "web", release: releaseNamed("v1"), batch: 1 };
const rollback: Order = { kind: "Rollback", workload: "web", from: releaseNamed("v1").sha256, to: null };

it("reads the fleet at the newest confirmed block, for orders on workloads alone", async () => {
  expect(await judge({ kind: "SetFlag", name: "learning", value: true }, fleetOf(1))).toEqual({
    isPlaced: false,
    mayTell: true,
  });
  await issueOrder(dao, deploySpec("web", "v1"));
  const head = await dao.client().chain.blockNumber();
  const judged = await judge(deploySpec("web", "v2"), fleetOf(1));
  expect(judged).toMatchObject({ isPlaced: true, mayTell: true, fleet: { blockNumber: head } });
  // No host takes a replica, so that its rollout has no plan, and nothing changes.
  expect(judged.fleet?.changing).toEqual(new Set());
  // Until its block is confirmed the workload is not there.
  const before = await judge(rollback, fleetOf(2));
  expect([before.fleet?.blockNumber, before.isPlaced]).toEqual([head - 1, false]);
  expect(await judge(rollback, fleetOf(1))).toMatchObject({ isPlaced: true });
  expect(await judge(batch, fleetOf(1))).toMatchObject({ isPlaced: false, mayTell: true });
});

it("says what changes release now", async () => {
  await dao.client().describeHost({ host: { labels: {}, addresses: [], slots: 4, draining: false } });
  const changing = async () => (await judge(rollback, fleetOf(1))).fleet?.changing;
  const first = await issueOrder(dao, deploySpec("web", "v1"));
  expect(await changing()).toEqual(new Set(["web"]));
  await enact(dao, first, "done");
  expect(await changing()).toEqual(new Set());
  await issueOrder(dao, deploySpec("web", "v2"));
  expect(await changing()).toEqual(new Set(["web"]));
  await dao.witan.increaseTime(3_601);
  expect(await changing()).toEqual(new Set());
});

it("does not judge where hosts would run a release before it knows the fleet as others do", async () => {
  const unconfirmed = fleetOf(1_000_000);
  expect(await judge(deploySpec("web", "v1"), unconfirmed)).toEqual({ isPlaced: true, mayTell: false });
  await issueOrder(dao, deploySpec("api", "v1"), { store: false });
  const incomplete = fleetOf(1);
  expect(await judge(deploySpec("web", "v1"), incomplete)).toEqual({ isPlaced: true, mayTell: false });
  // Others are judged by what the node sees itself.
  expect(await judge(batch, incomplete)).toEqual({ isPlaced: false, mayTell: true });
});

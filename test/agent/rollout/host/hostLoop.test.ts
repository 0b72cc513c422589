import { join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { HostLoop } from "../../../../src/agent/rollout/host/hostLoop.js";
import { RolloutJournal } from "../../../../src/agent/rollout/journal.js";
import type { PlacedFleet, PlacedWorkloadState } from "../../../../src/client/index.js";
import type { GateVerdict, StageReport } from "../../../../src/policy/rollout/index.js";
import { createLogger } from "../../../../src/utils/logger.js";
import { temporaryFolder } from "../../../harness/folder.js";
import { MemoryHost } from "../../../harness/memoryHost.js";
import { VirtualClock } from "../../../harness/virtualClock.js";
import { deploySpec, releaseNamed } from "../../../harness/workloads.js";
import { facts, hex, planOf } from "../../../policy/rollout/fixtures.js";

const { signal } = new AbortController();
const host = "host000";
const v1 = releaseNamed("v1");
const plan = planOf(4, { issue: { hash: hex("1"), time: 0 }, to: v1.sha256, failureLimit: 0 });
const settled = { directive: plan.directive, release: v1, at: 0, plan: { plan } };
const rollout = {
  directive: { id: plan.directive },
  release: v1,
  from: undefined,
  plan: { plan },
  facts: facts({ now: 0 }),
};

/** What stands on chain: where `web/0` has its seat, and how far its release is. */
function fleetAt(blockNumber: number, seat: string, state: Pick<Partial<PlacedWorkloadState>, "rollout" | "settled">) {
  const workload = { name: "web", spec: deploySpec("web", "v1").spec, good: [], ...state };
  const seats = new Map([["web/0", { replica: "web/0", workload: "web", host: seat, since: 0 }]]);
  const placement = { seats, unplaced: [], left: new Map() };
  return { blockNumber, blockTime: 0, placement, workloads: new Map([["web", workload]]) } as unknown as PlacedFleet;
}

async function looping(fleet: PlacedFleet) {
  const machine = new MemoryHost(() => "good");
  const path = join(temporaryFolder(), "rollouts.jsonl");
  const journal = await RolloutJournal.open(path);
  const clock = new VirtualClock();
  const said: StageReport[] = [];
  const rollouts = {
    ...{ fleet, host, incomplete: undefined as string | undefined },
    planned: [...fleet.workloads.values()].flatMap((each) =>
      each.rollout === undefined ? [] : [{ rollout: each.rollout, plan, facts: each.rollout.facts }],
    ),
    gate: (): GateVerdict => ({ kind: "advance" }),
  };
  const create = () =>
    new HostLoop({
      ...{ driver: machine, journal, rollouts, clock, logger: createLogger("silent", () => undefined) },
      say: async (report) => void said.push(report),
      mayRestart: async () => true,
    });
  let loop = create();
  onTestFinished(async () => {
    await journal.close();
    await machine.destroy();
  });
  return {
    ...{ machine, journal, rollouts, said },
    async seconds(count: number) {
      for (let second = 0; second < count; second += 2) {
        await loop.tick(signal);
        await loop.settled();
        await clock.pass(2_000);
      }
    },
    restart: () => {
      loop = create();
    },
    status: () => loop.status,
  };
}

it("starts what it has a seat for once it is done, and stops it when the seat is lost", async () => {
  const { machine, journal, rollouts, seconds, status } = await looping(fleetAt(1, host, { settled }));
  await seconds(4);
  expect(machine.history).toEqual(["start web/0 v1"]);
  expect(status()).toEqual([{ replica: "web/0", phase: "ended", release: v1.sha256, healthy: true, reason: "" }]);

  rollouts.fleet = fleetAt(2, "host001", { settled });
  rollouts.incomplete = "a payload is missing";
  await seconds(4);
  expect(machine.history).toHaveLength(1);
  rollouts.incomplete = undefined;
  await seconds(4);
  expect(machine.history).toEqual(["start web/0 v1", "stop web/0 v1"]);
  expect(journal.replicasOf(plan.directive)).toEqual([]);
});

it("says again after its restart what it has said of an open rollout", async () => {
  const { restart, said, seconds } = await looping(fleetAt(1, host, { rollout: rollout as never }));
  await seconds(20);
  expect(said.map(({ result }) => result)).toEqual(["ready"]);
  restart();
  await seconds(4);
  expect(said.map(({ result }) => result)).toEqual(["ready", "ready"]);
  expect(said[1]).toEqual(said[0]);
});

it("tries what failed again after pauses that double", async () => {
  const { machine, seconds } = await looping(fleetAt(1, host, { settled }));
  let tries = 0;
  machine.start = () => {
    tries += 1;
    return Promise.reject(new Error("no port is free"));
  };
  await seconds(60);
  expect(tries).toBe(6);
  machine.start = MemoryHost.prototype.start;
  await seconds(60);
  expect(machine.history).toEqual(["start web/0 v1"]);
});

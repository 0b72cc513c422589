import { join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import type { Course } from "../../../../src/agent/rollout/host/course.js";
import { HostedReplica, type ReplicaSituation } from "../../../../src/agent/rollout/host/hostedReplica.js";
import { RolloutJournal } from "../../../../src/agent/rollout/journal.js";
import { FleetError } from "../../../../src/engines/fleet/errors.js";
import { ExclusiveDefaults } from "../../../../src/policy/placement/index.js";
import type { GateVerdict, RolloutFacts, StageReport } from "../../../../src/policy/rollout/index.js";
import type { Strategy } from "../../../../src/records/index.js";
import { temporaryFolder } from "../../../harness/folder.js";
import { MemoryHost } from "../../../harness/memoryHost.js";
import { VirtualClock } from "../../../harness/virtualClock.js";
import { releaseNamed } from "../../../harness/workloads.js";
import { facts as factsOf, hex, planOf } from "../../../policy/rollout/fixtures.js";

const host = "host000";
const replica = "web/0";
const closed: GateVerdict = { kind: "hold", reason: "others are not ready", about: [] };

const inPlace: Strategy = { kind: "rolling", maxUnavailable: 4, maxSurge: 0 };
const surging: Strategy = { kind: "rolling", maxUnavailable: 0, maxSurge: 4 };
const blueGreen: Strategy = { kind: "blue-green", soakSeconds: 20 };

/** A machine that runs v1 of one replica, and is to take v2. */
async function hosting(strategy: Strategy, changes: Partial<ReplicaSituation> = {}) {
  const issue = { hash: hex("1"), time: 0 };
  const [v1, v2] = [releaseNamed("v1"), releaseNamed("v2")];
  const plan = planOf(4, { strategy, issue, from: v1.sha256, to: v2.sha256, failureLimit: 0 });
  const sick = new Set<string>();
  const machine = new MemoryHost((release) => (sick.has(release) ? "sick" : "good"));
  onTestFinished(() => machine.destroy());
  const path = join(temporaryFolder(), "rollouts.jsonl");
  const clock = new VirtualClock();
  const said: StageReport[] = [];
  let open = 0;
  let budget = 2;
  let enacted: RolloutFacts["enacted"] = null;
  let journal = await RolloutJournal.open(path);
  onTestFinished(() => journal.close());
  const create = () =>
    new HostedReplica(replica, {
      ...{ driver: machine, journal, clock, exclusiveTiming: ExclusiveDefaults },
      mayRestart: async () => budget-- > 0,
      say: async (report) => void said.push(report),
    });
  let own = create();
  const look = async (once: Partial<ReplicaSituation> = {}) => {
    const now = Math.floor(clock.now() / 1_000);
    const course: Course = {
      plan,
      facts: factsOf({ now, enacted }),
      to: { directive: plan.directive, release: v2 },
      from: { directive: hex("c"), release: v1 },
      isSettled: false,
    };
    await own.look({
      ...{ host, course, blockTime: now, others: [], isBlind: false, isExclusive: false },
      seat: { replica, workload: "web", host, since: 0 },
      probe: { path: "/health", timeoutMs: 1_000 },
      instances: await machine.list(),
      gate: (wave) => (wave < open ? { kind: "advance" } : closed),
      signal: new AbortController().signal,
      ...changes,
      ...once,
    });
  };
  const seconds = async (count: number, once: Partial<ReplicaSituation> = {}) => {
    for (let second = 0; second < count; second += 2) {
      await look(once);
      await clock.pass(2_000);
    }
  };
  await seconds(4);
  expect(machine.history).toEqual(["start web/0 v1"]);
  return {
    ...{ machine, said, sick, look, seconds },
    results: () => said.map(({ result }) => result),
    opens: (waves: number) => {
      open = waves;
    },
    enacts: (result: "done" | "failed") => {
      enacted = { result, at: Math.floor(clock.now() / 1_000) };
    },
    /** kill -9: nothing is left of the agent but its journal. */
    async crash() {
      await journal.close();
      journal = await RolloutJournal.open(path);
      own = create();
    },
    reason: () => own.reason,
  };
}

it("holds while the gate does, then takes the release in place and says that it is ready", async () => {
  const { machine, opens, reason, results, seconds } = await hosting(inPlace);
  expect(reason()).toBe("others are not ready");
  opens(1);
  await seconds(20);
  expect(machine.history).toEqual(["start web/0 v1", "stop web/0 v1", "start web/0 v2"]);
  expect(results()).toEqual(["ready"]);
});

it("moves requests to a surged instance only once it is ready", async () => {
  const { machine, opens, seconds } = await hosting(surging);
  opens(1);
  await seconds(6);
  expect(machine.history).toEqual(["start web/0 v1", "start web/0 v2"]);
  expect(machine.served.get(replica)).toBe("v1");
  await seconds(14);
  expect(machine.served.get(replica)).toBe("v2");
  expect(machine.history.at(-1)).toBe("stop web/0 v1");
});

it.each([
  ["done", "v2"],
  ["failed", "v1"],
] as const)("keeps the old instance of a blue-green rollout until it is %s", async (result, release) => {
  const { enacts, machine, opens, seconds } = await hosting(blueGreen);
  opens(1);
  await seconds(20);
  expect(machine.served.get(replica)).toBe("v1");
  opens(2);
  await seconds(4);
  expect(machine.served.get(replica)).toBe("v2");
  expect(machine.history).toEqual(["start web/0 v1", "start web/0 v2"]);
  enacts(result);
  await seconds(4);
  expect(machine.served.get(replica)).toBe(release);
  expect(machine.history.slice(2)).toEqual([`stop web/0 ${release === "v2" ? "v1" : "v2"}`]);
});

it("goes back at once and alone from a release that dies, and does not try again", async () => {
  const { machine, opens, results, seconds } = await hosting(inPlace);
  opens(1);
  await seconds(4);
  await machine.kill(replica);
  await seconds(20);
  expect(results()).toEqual(["sick"]);
  expect(machine.served.get(replica)).toBe("v1");
  expect(machine.history).toEqual([
    "start web/0 v1",
    "stop web/0 v1",
    "start web/0 v2",
    "stop web/0 v2",
    "start web/0 v1",
  ]);
});

it("goes back from a release that is not ready in time, also across restarts of the agent", async () => {
  const { crash, machine, opens, results, seconds, sick } = await hosting(inPlace);
  sick.add("v2");
  opens(1);
  for (let part = 0; part < 4; part++) {
    await seconds(24);
    await crash();
  }
  expect(results()).toEqual(["sick"]);
  expect(machine.served.get(replica)).toBe("v1");
});

it("says that it is unable, and leaves the old instance alone, if the release cannot be had", async () => {
  const { machine, opens, results, seconds } = await hosting(inPlace);
  machine.prepare = () => Promise.reject(new FleetError("no-room", "The bundle is too large."));
  opens(1);
  await seconds(6);
  expect(results()).toEqual(["unable"]);
  expect(machine.history).toEqual(["start web/0 v1"]);
});

it("ends the same when it is killed between a journal's entry and the deed, and reports nothing twice", async () => {
  const { crash, look, machine, opens, results, seconds } = await hosting(inPlace);
  opens(1);
  for (const deed of ["stop", "start", "serve"] as const) {
    Object.assign(machine, { [deed]: () => Promise.reject(new Error("killed")) });
    await expect(look()).rejects.toThrow("killed");
    Reflect.deleteProperty(machine, deed);
    await crash();
  }
  opens(0);
  await seconds(20);
  expect(results()).toEqual(["ready"]);
  expect(machine.served.get(replica)).toBe("v2");
  expect(machine.history).toEqual(["start web/0 v1", "stop web/0 v1", "start web/0 v2"]);
});

it("stops an exclusive replica where the newest block is too old, and starts it by a newer one", async () => {
  const { look, machine, seconds } = await hosting(inPlace, { isExclusive: true });
  await look({ blockTime: -100 });
  expect(machine.history).toEqual(["start web/0 v1", "stop web/0 v1"]);
  await look({ seat: { replica, workload: "web", host, since: 0, leftAt: 0 } });
  expect(machine.history).toHaveLength(2);
  await seconds(2);
  expect(machine.history.at(-1)).toBe("start web/0 v1");
});

it("restarts what died and does nothing else while it cannot tell what stands on chain", async () => {
  const { machine, opens, seconds } = await hosting(inPlace);
  opens(1);
  await machine.kill(replica);
  await seconds(4, { isBlind: true });
  expect(machine.history).toEqual(["start web/0 v1", "stop web/0 v1", "start web/0 v1"]);
  expect(machine.served.get(replica)).toBe("v1");
});

it("leaves what died too often to people, and says so", async () => {
  const { machine, reason, seconds } = await hosting(inPlace);
  for (const _ of [1, 2, 3]) {
    await machine.kill(replica);
    await seconds(4);
  }
  expect(machine.history.filter((each) => each.startsWith("start"))).toHaveLength(3);
  expect(machine.served.get(replica)).toBeUndefined();
  expect(reason()).toContain("as often as it may");
});

import { expect, it } from "vitest";
import { OpenRollouts } from "../../../src/agent/rollout/openRollouts.js";
import { HeldStatements } from "../../../src/agent/rollout/statements/held.js";
import type { Client, PlacedFleet } from "../../../src/client/index.js";
import type { StagePlan } from "../../../src/policy/rollout/index.js";
import type { Address } from "../../../src/records/index.js";
import { facts, planOf, reportOf } from "../../policy/rollout/fixtures.js";

const plan = planOf(10, { failureLimit: 0 });
const self: Address = `0x${"ab".repeat(20)}`;

function fleetAt(blockNumber: number, isOpen: boolean, incomplete?: string): PlacedFleet {
  const rollout = isOpen ? { plan: { plan }, facts: facts({ now: 1_200 }) } : undefined;
  return { blockNumber, incomplete, workloads: new Map([["web", { name: "web", rollout }]]) } as unknown as PlacedFleet;
}

/** Over a chain that answers with these fleets, one after another; undefined stands for one that cannot be reached. */
function reading(...fleets: (PlacedFleet | undefined)[]) {
  const updates: (readonly StagePlan[])[] = [];
  const held = new HeldStatements(plan);
  const operator = "host003" as Address;
  const rollouts = new OpenRollouts({
    self,
    client: {
      listNodes: async () => [{ agent: self.toUpperCase().replace("0X", "0x"), operator }],
      listHosts: async () => [{ operator, addresses: ["10.0.0.7:7000"] }],
    } as unknown as Client,
    fleet: {
      async read() {
        const next = fleets.shift();
        if (next === undefined) throw new Error("no address answers");
        return next;
      },
    },
    statements: { held: () => held, update: (plans) => void updates.push(plans) },
  });
  return { held, rollouts, updates };
}

it("knows the rollouts, its own host and where others are, from the newest block", async () => {
  const { rollouts, updates } = reading(fleetAt(1, true), fleetAt(1, true), fleetAt(2, false));
  await rollouts.refresh();
  expect(rollouts.host).toBe("host003");
  expect(rollouts.addresses("host003")).toEqual(["10.0.0.7:7000"]);
  expect(rollouts.addresses("host004")).toEqual([]);
  await rollouts.refresh();
  expect(updates).toEqual([[plan]]);
  await rollouts.refresh();
  expect(rollouts.planned).toEqual([]);
  expect(rollouts.outcome(plan.directive)).toBeUndefined();
});

it("keeps what it has while the chain is away, and concludes nothing while a payload is missing", async () => {
  const { held, rollouts, updates } = reading(fleetAt(1, true), undefined, fleetAt(2, false, "a payload is missing"));
  await rollouts.refresh();
  const sick = reportOf(plan, [0, 0], { result: "sick" });
  held.add(sick, { bytes: new Uint8Array(), isOwn: false, dueAt: 0, pauseMs: 0 });
  expect(rollouts.outcome(plan.directive)?.result).toBe("failed");
  await expect(rollouts.refresh()).rejects.toThrow("no address answers");
  expect(rollouts.outcome(plan.directive)?.result).toBe("failed");
  await rollouts.refresh();
  expect(rollouts.incomplete).toBe("a payload is missing");
  expect(rollouts.planned).toHaveLength(1);
  expect(rollouts.outcome(plan.directive)).toBeUndefined();
  expect(updates).toHaveLength(1);
});

import { expect, it } from "vitest";
import { findIncidents, noIncidents } from "../../src/policy/incidents.js";
import { observation, replica, v2 } from "./fixtures.js";

const policy = { downCycles: 1, unhealthyCycles: 1, criticalCycles: 9 };
const healthy = { state: "HARMONIC", heldCycles: 0 } as const;

/** What is recorded of a release on which both replicas fail. */
function incidentsOf(broughtBy?: string) {
  const release = { name: "v2", sha256: v2, ...(broughtBy === undefined ? {} : { broughtBy }) };
  const replicas = [0, 1].map((index) => replica(index, { healthy: false, release }));
  return findIncidents(noIncidents, observation(replicas), healthy, policy).incidents;
}

it("tells a release that fails again after a later order from the failure that an order has resolved", () => {
  const [first, again] = [incidentsOf("0xd1"), incidentsOf("0xd2")];
  expect(first).toMatchObject([{ kind: "release-failing", observed: { release: v2, broughtBy: "0xd1" } }]);
  expect(again).not.toEqual(first);
  expect(incidentsOf("0xd1")).toEqual(first);
  expect(incidentsOf()).toMatchObject([{ observed: { release: v2, name: "v2" } }]);
});

import { expect, it } from "vitest";
import { place } from "../../src/policy/placement/index.js";
import { type JudgedFleetView, placementFault } from "../../src/policy/placementFault.js";
import { rolloutSeconds } from "../../src/policy/rollout/index.js";
import type { OrderOf, WorkloadSpec } from "../../src/records/index.js";
import { spec as sample } from "../records/samples.js";
import { v1, v2 } from "./fixtures.js";
import { host, view, workload } from "./placement/fixtures.js";

const release = { name: "v2", command: ["node", "server.mjs"], sha256: v2 };
const strategy = { kind: "canary", maxUnavailable: 2, maxSurge: 0, shares: [50, 100], soakSeconds: 900 } as const;
const spec: WorkloadSpec = { ...sample, replicas: 4, selector: {}, spread: null, strategy };
const at = view([workload("web", { replicas: 4 })], [host("a"), host("b")]);
const fleet: JudgedFleetView = {
  ...{ view: at, placement: place(at), specs: new Map([["web", spec]]), changing: new Set() },
};
const deploy = (name: string): OrderOf<"Deploy"> => ({ kind: "Deploy", workload: name, release, spec });
const rollback = (name: string): OrderOf<"Rollback"> => ({ kind: "Rollback", workload: name, from: v1, to: null });

it("needs the time of all stages to go forward, and of none to go back", () => {
  const forward = rolloutSeconds(spec, 4);
  expect(placementFault(deploy("web"), fleet, forward)).toBeUndefined();
  expect(placementFault(deploy("web"), fleet, forward - 1)).toContain("is shorter than the plan");
  expect(placementFault(rollback("web"), fleet, forward - 2 * 900)).toBeUndefined();
  expect(placementFault(rollback("web"), fleet, 60)).toContain("is shorter than the plan");
});

it("knows nothing against a workload that the mesh does not place, nor without knowing where replicas run", () => {
  expect(placementFault(rollback("api"), fleet, 60)).toBeUndefined();
  expect(placementFault(deploy("web"), undefined, 60)).toBeUndefined();
  const batch: OrderOf<"Deploy"> = { kind: "Deploy", workload: "api", release, batch: 1 };
  expect(placementFault(batch, fleet, 60)).toBeUndefined();
  expect(placementFault({ ...batch, workload: "web" }, fleet, 60)).toContain("the mesh places web");
});

it("judges a first release as any other", () => {
  expect(placementFault(deploy("api"), fleet, undefined)).toBeUndefined();
  const nowhere = { ...deploy("api"), spec: { ...spec, selector: { disk: "tape" } } };
  expect(placementFault(nowhere, fleet, undefined)).toContain("no replica of api can be placed");
});

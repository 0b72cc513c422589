import { expect, it } from "vitest";
import { createPlacedRolloutHandler, type PlacedRolloutHandlerOptions } from "../../../src/agent/rollout/handler.js";
import type { PlacedFleet } from "../../../src/client/index.js";
import type { Order } from "../../../src/records/index.js";
import { deploySpec } from "../../harness/workloads.js";
import { hex } from "../../policy/rollout/fixtures.js";

const deploy = deploySpec("web", "v2");
const rollback: Order = { kind: "Rollback", workload: "web", from: hex("b"), to: null };
const { signal } = new AbortController();
const context = { directiveId: hex("d"), order: deploy, signal };
const fleet = { workloads: new Map([["web", {}]]) } as unknown as PlacedFleet;
const held = { kind: "hold", reason: "web/1: host001 has not reported", about: [] } as const;

function handlerOf(changes: Partial<PlacedRolloutHandlerOptions["rollouts"]> = {}) {
  const rollouts = { fleet, host: undefined, incomplete: undefined, planned: [], outcome: () => undefined };
  return createPlacedRolloutHandler({ rollouts: { ...rollouts, ...changes } });
}

it("takes deploys by specification, and rollbacks of workloads that the mesh places", () => {
  const { concerns } = handlerOf();
  expect(concerns?.(deploy)).toBe(true);
  expect(concerns?.({ kind: "Deploy", workload: "web", release: deploy.release, batch: 2 })).toBe(false);
  expect(concerns?.(rollback)).toBe(true);
  expect(concerns?.({ ...rollback, workload: "api" })).toBe(false);
});

it("does not leave a rollback to another while it cannot tell whose it is", () => {
  expect(() => handlerOf({ fleet: undefined }).concerns?.(rollback)).toThrow("cannot be told yet");
  const { concerns } = handlerOf({ incomplete: "a payload is missing" });
  expect(() => concerns?.({ ...rollback, workload: "api" })).toThrow("cannot be told yet");
});

it("says nothing while it holds, then what all write alike, and sees what it concludes itself", async () => {
  const holding = handlerOf({ outcome: () => ({ result: undefined, verdict: held }) });
  expect(await holding.execute(context)).toBeUndefined();
  const claim = { schema: "witan/outcome/1", directive: hex("d"), result: "done", detail: [], produced: [] } as const;
  expect(await holding.verify(context, claim)).toEqual({ holds: false, why: held.reason });

  const through = handlerOf({ outcome: () => ({ result: "done", verdict: { kind: "advance" } }) });
  const detail = [{ subject: "workload/web", result: "done", note: "" }];
  expect(await through.execute(context)).toEqual({ result: "done", detail, produced: [] });
  expect(await through.verify(context, claim)).toMatchObject({ holds: true });
  expect(await through.verify(context, { ...claim, result: "failed" })).toMatchObject({ holds: false });
});

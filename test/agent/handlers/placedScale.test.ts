import { expect, it } from "vitest";
import { createPlacedScaleHandler } from "../../../src/agent/handlers/placedScale.js";
import { ConfirmedFleet } from "../../../src/agent/workloads/confirmedFleet.js";
import { createPlacementReader } from "../../../src/client/index.js";
import type { Order } from "../../../src/records/index.js";
import { useTestDao } from "../../harness/dao.js";
import { deploySpec, issueOrder, releaseNamed } from "../../harness/workloads.js";

const dao = useTestDao({ nodes: 3 });
const { signal } = new AbortController();
const handlerOf = (index: number) => {
  const { chain, content } = dao.client(index);
  const clock = { monotonic: () => 0 };
  const placement = createPlacementReader({ chain, content, clock });
  return createPlacedScaleHandler(new ConfirmedFleet({ chain, placement, finality: 1 }));
};
const scale = (workload: string): Order => ({ kind: "Scale", workload, replicas: 9 });

it("has every node state the same outcome of a Scale that placement alone carries out", async () => {
  await issueOrder(dao, deploySpec("web", "v1"));
  const [one, other] = [handlerOf(0), handlerOf(1)];
  expect(one.isLeaderless).toBe(true);
  expect(await one.concerns?.(scale("web"), signal)).toBe(true);
  const context = { directiveId: "0x01", order: scale("web"), signal } as const;
  const result = await one.execute(context);
  expect(result).toMatchObject({ result: "done", detail: [{ subject: "workload/web", result: "done" }], produced: [] });
  expect(await other.execute(context)).toEqual(result);
});

it("leaves workloads of one machine to that machine", async () => {
  await issueOrder(dao, { kind: "Deploy", workload: "api", release: releaseNamed("v1"), batch: 1 });
  expect(await handlerOf(0).concerns?.(scale("api"), signal)).toBe(false);
});

it("does not take a workload for one of a machine while a payload is missing", async () => {
  await issueOrder(dao, deploySpec("web", "never stored"), { store: false });
  await expect(handlerOf(0).concerns?.(scale("web"), signal)).rejects.toMatchObject({ retryable: true });
});

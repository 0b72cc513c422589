import { describe, expect, it, onTestFinished } from "vitest";
import { FastLane } from "../../../src/agent/loop/fastLane.js";
import type { PlannedProposal } from "../../../src/policy/index.js";
import type { Address, Order } from "../../../src/records/index.js";
import { systemClock } from "../../../src/utils/clock.js";
import { createLogger } from "../../../src/utils/logger.js";
import { createSetting } from "../../client/setting.js";

/** So long nodes vote on what nobody has opened. */
const DECIDE_WITHIN_MS = 6_000;

const planOf = (order: Order, subject: string): PlannedProposal => ({
  order,
  subject,
  evidence: [],
  delay: 0,
  window: 60,
});
const restartOf = (replica: string) =>
  planOf({ kind: "Restart", replica, instance: `${replica}/1` }, `replica/${replica}`);
const plan = restartOf("web-1");

/** One node's lane over a real chain, at a time that the test tells. */
async function openLane() {
  const setting = await createSetting({ nodes: 3 });
  onTestFinished(() => setting.close());
  const client = setting.client();
  const clock = { ...systemClock, passed: 0, now: () => clock.passed, monotonic: () => clock.passed };
  const logs: { level: string; message: string; [field: string]: unknown }[] = [];
  const logger = createLogger("info", (line) => logs.push(JSON.parse(line)));
  const lane = new FastLane({ self: client.account as Address, client, clock, logger });
  const nodes = await client.listNodes({ includeRemoved: true });
  return {
    client,
    content: setting.content,
    clock,
    logs,
    lane,
    /** What is given back of these plans. */
    take: async (...plans: readonly PlannedProposal[]) => lane.take(plans, nodes, await client.chain.now()),
    moved: () => lane.motions.map(({ id }) => id),
    idOf: (planned: PlannedProposal) => client.buildProposal(planned).proposalId,
  };
}

describe("a plan that can be decided before anybody has opened it", () => {
  it("is voted on under the rules of its track, with its payload there for all", async () => {
    const { client, idOf, lane, take } = await openLane();
    expect(await take(plan)).toEqual([]);
    const [motion, ...more] = lane.motions;
    expect(more).toEqual([]);
    expect(await client.fetchPayload({ contentId: motion?.directive?.payload ?? "0x" })).toMatchObject({
      order: plan.order,
    });
    await client.openProposal(plan);
    const { calls, description, directive, evidence, id, rules, track } = await client.getProposal({
      proposalId: idOf(plan),
    });
    expect(motion).toMatchObject({ calls, description, directive, evidence, id, rules, track });
  });

  it("is given back to be opened after six seconds, and not taken up again", async () => {
    const { clock, moved, take } = await openLane();
    await take(plan);
    clock.passed = DECIDE_WITHIN_MS - 1;
    expect([await take(plan), moved().length]).toEqual([[], 1]);
    clock.passed = DECIDE_WITHIN_MS;
    expect([await take(plan), moved()]).toEqual([[plan], []]);
    clock.passed *= 2;
    expect([await take(plan), moved()]).toEqual([[plan], []]);
  });

  it("is given back where its payload cannot be stored, with the reason", async () => {
    const { content, idOf, logs, moved, take } = await openLane();
    await content.close();
    expect([await take(plan), moved()]).toEqual([[plan], []]);
    expect(logs).toMatchObject([
      { message: "a plan takes the slow way", proposalId: idOf(plan), reason: "The store is closed." },
    ]);
  });
});

describe("a motion that was voted on and is planned no more", () => {
  it("is voted on to the end of its time, then opened all the same", async () => {
    const { client, clock, idOf, moved, take } = await openLane();
    await take(plan, restartOf("web-2"));
    clock.passed = DECIDE_WITHIN_MS - 1;
    expect([await take(), moved()]).toEqual([[], [plan, restartOf("web-2")].map(idOf)]);
    clock.passed = DECIDE_WITHIN_MS;
    expect([await take(), moved()]).toEqual([[plan, restartOf("web-2")], []]);
    // Again and again, until somebody has.
    expect(await take()).toEqual([plan, restartOf("web-2")]);
    await client.openProposal(plan);
    await take();
    expect(await take()).toEqual([restartOf("web-2")]);
  });

  it("is forgotten once it is on chain, whoever has opened it", async () => {
    const { client, clock, moved, take } = await openLane();
    await take(plan);
    await client.openProposal(plan);
    await take();
    expect(moved()).toEqual([]);
    clock.passed = DECIDE_WITHIN_MS;
    expect(await take()).toEqual([]);
  });
});

describe("a plan that takes the slow way", () => {
  it("is given back at once: its track has no fast lane, it cannot be proposed, or it is on chain", async () => {
    const { client, moved, take } = await openLane();
    const scale = planOf({ kind: "Scale", workload: "web", replicas: 5 }, "workload/web");
    const nonsense = planOf({ kind: "Scale", workload: "", replicas: -1 }, "workload/");
    await client.openProposal(plan);
    expect(await take(scale, nonsense, plan, restartOf("web-2"))).toEqual([nonsense, scale, plan]);
    expect(moved()).toEqual([client.buildProposal(restartOf("web-2")).proposalId]);
  });
});

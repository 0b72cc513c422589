import { describe, expect, it, onTestFinished } from "vitest";
import { readChainView } from "../../../src/agent/chainView.js";
import { FastLane } from "../../../src/agent/loop/fastLane.js";
import type { PlannedProposal } from "../../../src/policy/index.js";
import type { Address, Order } from "../../../src/records/index.js";
import { createLogger } from "../../../src/utils/logger.js";
import { frozen, TestClock } from "../../harness/clock.js";
import { createTestDao } from "../../harness/dao.js";

/** How long nodes vote on an unopened proposal. */
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

/** One node's fast lane over a real chain, at a time that the test sets. */
async function openLane() {
  const setting = await createTestDao({ nodes: 3 });
  onTestFinished(() => setting.close());
  const client = setting.client();
  const clock = new TestClock(frozen());
  const logs: { level: string; message: string; [field: string]: unknown }[] = [];
  const logger = createLogger("info", (line) => logs.push(JSON.parse(line)));
  const lane = new FastLane({ self: client.account as Address, client, clock, logger });
  return {
    client,
    content: setting.content,
    clock,
    logs,
    lane,
    /** The plans among these that are to be opened on chain. */
    route: async (...plans: readonly PlannedProposal[]) => lane.route(plans, await readChainView(client)),
    moved: () => lane.unopened.map(({ id }) => id),
    idOf: (planned: PlannedProposal) => client.buildProposal(planned).proposalId,
  };
}

describe("a plan that can be decided before anybody has opened it", () => {
  it("is voted on under the rules of its track, with its payload there for all", async () => {
    const { client, idOf, lane, route } = await openLane();
    expect(await route(plan)).toEqual([]);
    const [unopened, ...more] = lane.unopened;
    expect(more).toEqual([]);
    expect(await client.fetchPayload({ contentId: unopened?.directive?.payload ?? "0x" })).toMatchObject({
      order: plan.order,
    });
    await client.openProposal(plan);
    const { calls, description, directive, evidence, id, rules, track } = await client.getProposal({
      proposalId: idOf(plan),
    });
    expect(unopened).toMatchObject({ calls, description, directive, evidence, id, rules, track });
  });

  it("is given back to be opened after six seconds, and not taken up again", async () => {
    const { clock, moved, route } = await openLane();
    await route(plan);
    clock.pass(DECIDE_WITHIN_MS - 1);
    expect([await route(plan), moved().length]).toEqual([[], 1]);
    clock.pass(1);
    expect([await route(plan), moved()]).toEqual([[plan], []]);
    clock.pass(DECIDE_WITHIN_MS);
    expect([await route(plan), moved()]).toEqual([[plan], []]);
  });

  it.each([-3_600_000, 3_600_000])("has its six seconds when the wall clock is stepped by %i ms", async (step) => {
    const { clock, moved, route } = await openLane();
    await route(plan);
    clock.stepWall(step);
    clock.pass(DECIDE_WITHIN_MS - 1);
    expect([await route(plan), moved().length]).toEqual([[], 1]);
    clock.pass(1);
    expect([await route(plan), moved()]).toEqual([[plan], []]);
  });

  it("is given back if its payload cannot be stored, with the reason", async () => {
    const { content, idOf, logs, moved, route } = await openLane();
    await content.close();
    expect([await route(plan), moved()]).toEqual([[plan], []]);
    expect(logs).toMatchObject([
      { message: "a plan is opened on chain before the vote", proposalId: idOf(plan), reason: "The store is closed." },
    ]);
  });
});

describe("an unopened proposal that was voted on and is planned no more", () => {
  it("is voted on to the end of its time, then opened all the same", async () => {
    const { client, clock, idOf, moved, route } = await openLane();
    await route(plan, restartOf("web-2"));
    clock.pass(DECIDE_WITHIN_MS - 1);
    expect([await route(), moved()]).toEqual([[], [plan, restartOf("web-2")].map(idOf)]);
    clock.pass(1);
    expect([await route(), moved()]).toEqual([[plan, restartOf("web-2")], []]);
    // In every cycle, until a node has opened it.
    expect(await route()).toEqual([plan, restartOf("web-2")]);
    await client.openProposal(plan);
    await route();
    expect(await route()).toEqual([restartOf("web-2")]);
  });

  it("is forgotten once it is on chain, whichever node has opened it", async () => {
    const { client, clock, moved, route } = await openLane();
    await route(plan);
    await client.openProposal(plan);
    await route();
    expect(moved()).toEqual([]);
    clock.pass(DECIDE_WITHIN_MS);
    expect(await route()).toEqual([]);
  });
});

describe("a plan that is opened on chain before the vote", () => {
  it("is given back at once: its track has no fast lane, it cannot be proposed, or it is on chain", async () => {
    const { client, moved, route } = await openLane();
    const scale = planOf({ kind: "Scale", workload: "web", replicas: 5 }, "workload/web");
    const nonsense = planOf({ kind: "Scale", workload: "", replicas: -1 }, "workload/");
    await client.openProposal(plan);
    expect(await route(scale, nonsense, plan, restartOf("web-2"))).toEqual([nonsense, scale, plan]);
    expect(moved()).toEqual([client.buildProposal(restartOf("web-2")).proposalId]);
  });
});

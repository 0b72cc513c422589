import { describe, expect, it, onTestFinished, vi } from "vitest";
import { readChainView } from "../../../src/agent/chainView.js";
import { FastLane } from "../../../src/agent/loop/fastLane.js";
import { UnknownDirectiveError } from "../../../src/client/index.js";
import type { PlannedProposal } from "../../../src/policy/index.js";
import { type Address, type Order, parseSalt, WINDOW_SECONDS } from "../../../src/records/index.js";
import { createLogger } from "../../../src/utils/logger.js";
import { frozen, TestClock } from "../../harness/clock.js";
import { createTestDao } from "../../harness/dao.js";
import { suspendSeats } from "../../harness/suspend.js";

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

/** One node's fast lane over a real chain, at a time that the test sets: that of the chain is well within a window. */
async function openLane() {
  const setting = await createTestDao({ nodes: 3 });
  onTestFinished(() => setting.close());
  const client = setting.client();
  /** Moves the chain's time to so many seconds after the beginning of a window, the next or a later one. */
  const moveInto = async (seconds: number, windows = 1) => {
    const now = await client.chain.now();
    const begins = (Math.floor(now / WINDOW_SECONDS) + windows) * WINDOW_SECONDS;
    await setting.witan.increaseTime(begins + seconds - now);
  };
  await moveInto(60);
  /** The proposals on which ballots of other nodes are known. */
  const heard = new Set<string>();
  const clock = new TestClock(frozen());
  const logs: { level: string; message: string; [field: string]: unknown }[] = [];
  const logger = createLogger("info", (line) => logs.push(JSON.parse(line)));
  const lane = new FastLane({
    self: client.account as Address,
    client,
    clock,
    logger,
    isVotedOn: (id) => heard.has(id),
  });
  return {
    client,
    heard,
    moveInto,
    content: setting.content,
    clock,
    logs,
    lane,
    setting,
    /** The plans among these that are to be opened on chain. */
    route: async (...plans: readonly PlannedProposal[]) => lane.route(plans, await readChainView(client)),
    moved: () => lane.unopened.map(({ id }) => id),
    /** The proposal that a node makes of a plan at this time, unless the plan says otherwise. */
    idOf: async (planned: PlannedProposal) => (await client.prepareProposal(planned)).proposalId,
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
      proposalId: await idOf(plan),
    });
    expect(unopened).toMatchObject({ calls, description, directive, evidence, id, rules, track });
  });

  it("is voted on under the rules of those who count now, where a seat is suspended meanwhile", async () => {
    const { idOf, lane, route, setting } = await openLane();
    await route(plan);
    expect(lane.unopened[0]?.rules).toMatchObject({ presence: 0, counted: 3, fastPathFor: 2 });
    await suspendSeats(setting, 2);
    expect(await route(plan)).toEqual([]);
    const { rules } = lane.unopened[0] ?? {};
    expect(rules).toMatchObject({ committeeSize: 3, presence: 1, counted: 2, fastPathFor: 2 });
    // As the governor freezes it.
    await setting.client().openProposal(plan);
    expect((await setting.client().getProposal({ proposalId: await idOf(plan) })).rules).toEqual(rules);
  });

  it("is given back to be opened after six seconds, and not taken up again", async () => {
    const { clock, moved, route } = await openLane();
    await route(plan);
    clock.pass(DECIDE_WITHIN_MS - 1);
    expect([await route(plan), moved().length]).toEqual([[], 1]);
    clock.pass(1);
    expect([await route(plan), moved()]).toMatchObject([[plan], []]);
    clock.pass(DECIDE_WITHIN_MS);
    expect([await route(plan), moved()]).toMatchObject([[plan], []]);
  });

  it.each([-3_600_000, 3_600_000])("has its six seconds when the wall clock is stepped by %i ms", async (step) => {
    const { clock, moved, route } = await openLane();
    await route(plan);
    clock.stepWall(step);
    clock.pass(DECIDE_WITHIN_MS - 1);
    expect([await route(plan), moved().length]).toEqual([[], 1]);
    clock.pass(1);
    expect([await route(plan), moved()]).toMatchObject([[plan], []]);
  });

  it("is given back if its payload cannot be stored, with the reason", async () => {
    const { content, idOf, logs, moved, route } = await openLane();
    await content.close();
    expect([await route(plan), moved()]).toMatchObject([[plan], []]);
    expect(logs).toMatchObject([
      {
        message: "a plan is opened on chain before the vote",
        proposalId: await idOf(plan),
        reason: "The store is closed.",
      },
    ]);
  });
});

describe("an unopened proposal that was voted on and is planned no more", () => {
  it("is voted on to the end of its time, then opened all the same", async () => {
    const { client, clock, idOf, moved, route } = await openLane();
    await route(plan, restartOf("web-2"));
    clock.pass(DECIDE_WITHIN_MS - 1);
    expect([await route(), moved()]).toEqual([[], [await idOf(plan), await idOf(restartOf("web-2"))]]);
    clock.pass(1);
    expect([await route(), moved()]).toMatchObject([[plan, restartOf("web-2")], []]);
    // In every cycle, until a node has opened it.
    expect(await route()).toMatchObject([plan, restartOf("web-2")]);
    await client.openProposal(plan);
    await route();
    expect(await route()).toMatchObject([restartOf("web-2")]);
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
  it("is given back at once if its track has no fast lane, or it cannot be proposed", async () => {
    const { idOf, moved, route } = await openLane();
    const scale = planOf({ kind: "Scale", workload: "web", replicas: 5 }, "workload/web");
    const nonsense = planOf({ kind: "Scale", workload: "", replicas: -1 }, "workload/");
    expect(await route(scale, nonsense, restartOf("web-2"))).toMatchObject([nonsense, scale]);
    expect(moved()).toEqual([await idOf(restartOf("web-2"))]);
  });

  it("is neither opened nor voted on here once it is on chain", async () => {
    const { client, moved, route } = await openLane();
    await client.openProposal(plan);
    expect([await route(plan), moved()]).toEqual([[], []]);
  });
});

describe("a plan on a subject on which an order was issued", () => {
  /** The plan's order is issued, for a minute, after this node has read its snapshot of the chain. */
  async function afterIssue() {
    const opened = await openLane();
    const { client, setting } = opened;
    const before = await readChainView(client);
    const { proposalId } = await client.openProposal(plan);
    await setting.carryOut(proposalId);
    return { ...opened, before };
  }

  it("waits while the same order is under way, though the snapshot of this cycle does not show it", async () => {
    const { before, lane, moved, route } = await afterIssue();
    expect([await lane.route([plan], before), moved()]).toEqual([[], []]);
    expect([await route(plan), moved()]).toEqual([[], []]);
  });

  it("waits while that order is in no block yet", async () => {
    const { before, client, lane, moved } = await afterIssue();
    vi.spyOn(client, "getDirective").mockRejectedValue(new UnknownDirectiveError("0x01"));
    expect([await lane.route([plan], before), moved()]).toEqual([[], []]);
  });

  it("is voted on once that order has lapsed", async () => {
    const { idOf, moved, route, setting } = await afterIssue();
    await setting.witan.increaseTime(61);
    await route(plan);
    expect(moved()).toEqual([await idOf(plan)]);
  });
});

describe("the window of an unopened proposal", () => {
  /** The windows of those that are voted on, counted from the one that the chain is in. */
  const windowsOf = async ({ client, lane }: Awaited<ReturnType<typeof openLane>>) => {
    const current = BigInt(Math.floor((await client.chain.now()) / WINDOW_SECONDS));
    return lane.unopened.map(({ built }) => Number(parseSalt(built.directive.salt).window - current));
  };

  it("is that of the chain's time", async () => {
    const setting = await openLane();
    await setting.route(plan);
    expect(await windowsOf(setting)).toEqual([0]);
  });

  it("is over with the next one: the plan goes on in both as it was voted on, and then begins anew", async () => {
    const setting = await openLane();
    const { moved, moveInto, route } = setting;
    await route(plan);
    const [first] = moved();
    await moveInto(60);
    await route(plan);
    expect([moved(), await windowsOf(setting)]).toEqual([[first], [-1]]);
    await moveInto(60);
    await route(plan);
    expect(await windowsOf(setting)).toEqual([0]);
    expect(moved()).not.toContain(first);
  });

  it("drops one that is over and that nobody plans any more, instead of opening it", async () => {
    const { clock, moved, moveInto, route } = await openLane();
    await route(plan);
    clock.pass(DECIDE_WITHIN_MS);
    expect(await route()).toMatchObject([plan]);
    await moveInto(60, 2);
    expect([await route(), moved()]).toEqual([[], []]);
  });

  it("is kept by a plan that is given back: what is opened is what nodes have voted on", async () => {
    const { client, clock, moved, moveInto, route } = await openLane();
    await route(plan);
    const [voted] = moved();
    await moveInto(60);
    clock.pass(DECIDE_WITHIN_MS);
    const [given] = await route(plan);
    expect(given).toMatchObject(plan);
    const { opened, proposalId } = await client.openProposal(given ?? plan);
    expect([opened, proposalId]).toEqual([true, voted]);
  });

  /** The proposal of the window before, on which others are heard to vote, at so many seconds in the new one. */
  async function afterBoundary(seconds: number) {
    const setting = await openLane();
    const earlier = await setting.idOf(plan);
    await setting.moveInto(seconds);
    return { ...setting, setting, earlier };
  }

  it("is the one before shortly after the boundary, if others are heard to vote in that", async () => {
    const { earlier, heard, moved, route, setting } = await afterBoundary(2);
    heard.add(earlier);
    await route(plan);
    expect([moved(), await windowsOf(setting)]).toEqual([[earlier], [-1]]);
  });

  it("is the new one shortly after the boundary if nobody is heard, or on another plan only", async () => {
    const { heard, idOf, route, setting } = await afterBoundary(2);
    const [now] = [Math.floor((await setting.client.chain.now()) / WINDOW_SECONDS)];
    heard.add(await idOf({ ...restartOf("web-2"), openingWindow: now - 1 }));
    await route(plan);
    expect(await windowsOf(setting)).toEqual([0]);
  });

  it("is the new one half a minute after the boundary, whatever is heard", async () => {
    const { earlier, heard, route, setting } = await afterBoundary(31);
    heard.add(earlier);
    await route(plan);
    expect(await windowsOf(setting)).toEqual([0]);
  });
});

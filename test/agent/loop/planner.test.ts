import { describe, expect, it, onTestFinished } from "vitest";
import { leaderOrder } from "../../../src/agent/aggregation/leaders/leaderSchedule.js";
import { BackgroundJobs } from "../../../src/agent/backgroundJobs.js";
import { readChainView } from "../../../src/agent/chainView.js";
import { AgentDefaults } from "../../../src/agent/defaults.js";
import { planKey } from "../../../src/agent/loop/planKey.js";
import { Planner } from "../../../src/agent/loop/planner.js";
import type { PlannedProposal } from "../../../src/policy/index.js";
import type { Address } from "../../../src/records/index.js";
import { createLogger } from "../../../src/utils/logger.js";
import { frozen, TestClock } from "../../harness/clock.js";
import { createTestDao, restartOrder } from "../../harness/dao.js";
import { suspendSeats } from "../../harness/suspend.js";

const planned: PlannedProposal = { order: restartOrder, subject: "replica/web/3", evidence: [], delay: 0, window: 60 };

/** The planners of three nodes over one chain, at a time that the test sets. */
async function planners() {
  const setting = await createTestDao({ nodes: 3 });
  onTestFinished(() => setting.close());
  const clock = new TestClock(frozen());
  const logger = createLogger("silent", () => undefined);
  const operators = setting.witan.operators.map(({ address }) => address as Address);
  const planner = (operator: string) => {
    const index = operators.findIndex((each) => each.toLowerCase() === operator);
    const jobs = new BackgroundJobs(logger);
    const self = operators[index] ?? "0x";
    return { jobs, planner: new Planner({ self, client: setting.client(index), clock, jobs, logger }) };
  };
  const reader = setting.client();
  return { clock, operators, planner, reader, setting, view: () => readChainView(reader) };
}

describe("a plan", () => {
  it("is opened by the first node in its leader order at once, and by the next if that one does not", async () => {
    const { clock, operators, planner, reader, view } = await planners();
    const order = leaderOrder(`open ${planKey(planned)}`, operators);
    const [first = "", second = ""] = order;
    const { jobs, planner: next } = planner(second);
    next.open([planned], await view());
    clock.pass(AgentDefaults.openStepMs - 1);
    next.open([planned], await view());
    await jobs.settled();
    expect(await reader.listProposals()).toEqual([]);

    clock.pass(1);
    next.open([planned], await view());
    await jobs.settled();
    expect(await reader.listProposals()).toMatchObject([
      { proposer: operators.find((each) => each.toLowerCase() === second) },
    ]);

    // The first finds it open.
    const late = planner(first);
    late.planner.open([planned], await view());
    await late.jobs.settled();
    expect(await reader.listProposals()).toHaveLength(1);
  });
});

describe("a suspended node", () => {
  it("does no shared duty, and the others do not wait for it", async () => {
    const { operators, planner, reader, setting, view } = await planners();
    const [first = "", second = ""] = leaderOrder(`open ${planKey(planned)}`, operators);
    await suspendSeats(setting, operators.map((each) => each.toLowerCase()).indexOf(first));
    const away = planner(first);
    away.planner.open([planned], await view());
    await away.jobs.settled();
    expect(await reader.listProposals()).toEqual([]);

    const next = planner(second);
    next.planner.open([planned], await view());
    await next.jobs.settled();
    expect(await reader.listProposals()).toHaveLength(1);
  });
});

describe("a proposal that has passed", () => {
  it("is queued and executed, once each, whatever nodes try", async () => {
    const { clock, operators, planner, reader, setting, view } = await planners();
    const { proposalId } = await reader.openProposal({ order: { kind: "SetFlag", name: "maintenance", value: true } });
    await setting.pass(proposalId);
    const all = operators.map((operator) => planner(operator.toLowerCase()));
    const advance = async () => {
      for (const { planner } of all) planner.advance(await view());
      clock.pass(2 * AgentDefaults.openStepMs);
      for (const { planner } of all) planner.advance(await view());
      await Promise.all(all.map(({ jobs }) => jobs.settled()));
      return (await reader.getProposal({ proposalId })).state;
    };
    expect(await advance()).toBe("Queued");
    const { eta } = await reader.getProposal({ proposalId });
    await setting.witan.increaseTime(Math.max(1, (eta ?? 0) - (await reader.chain.now())));
    expect(await advance()).toBe("Executed");
    expect(await reader.listDirectives()).toHaveLength(1);
  });
});

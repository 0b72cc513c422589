import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { leaderOrder } from "../../../src/agent/aggregation/leaders/leaderSchedule.js";
import { readChainView } from "../../../src/agent/chainView.js";
import type { DirectiveHandler, ExecutionResult } from "../../../src/agent/handlers/handler.js";
import { Executor } from "../../../src/agent/loop/executor.js";
import { aggregatedAttestations } from "../../../src/agent/loop/strategies/aggregated.js";
import { openOutbox } from "../../../src/agent/outbox/open.js";
import type { IssuedDirective } from "../../../src/client/index.js";
import type { Address, ContentId, Order, Outcome, Release } from "../../../src/records/index.js";
import { type Committee, createCommittee, NEVER_MS, outcomeOf, patience } from "../attestations/committee.js";
import { temporaryFolder } from "../ballots/roll.js";

const TAKEOVER_MS = 10_000;
const done: ExecutionResult = {
  result: "done",
  detail: [{ subject: "replica/web/3", result: "done", note: "restarted" }],
  logs: null,
  durationMs: 1,
  produced: [],
};

/** Five nodes that know of a directive; each is given a handler that counts what is asked of it. */
async function ordered(nodes = 5) {
  const world = await createCommittee({ nodes });
  await world.seat(Array.from({ length: nodes }, (_, index) => index));
  const directive = await world.issue();
  await world.look();
  const operators = world.setting.witan.operators.map(({ address }) => address as Address);
  /** Who leads, the first in line first. */
  const lineOf = ({ id }: IssuedDirective) => {
    const indices = new Map(operators.map((each, index) => [each.toLowerCase(), index]));
    return leaderOrder(id, operators).flatMap((each) => indices.get(each) ?? []);
  };
  return { world, directive, lineOf, line: lineOf(directive) };
}

/** A node's executor over its real exchange, client and outbox. */
async function executorOf(world: Committee, index: number, change: Partial<DirectiveHandler> = {}) {
  const { client, exchange, logger, tasks } = world.seatOf(index);
  const asked = { executions: 0, verified: [] as Outcome[], assists: 0 };
  const handler: DirectiveHandler = {
    kinds: ["Restart"],
    execute: async () => {
      asked.executions++;
      return done;
    },
    verify: async (_, outcome) => {
      asked.verified.push(outcome);
      return { holds: true, why: "it is so" };
    },
    assist: async () => {
      asked.assists++;
    },
    ...change,
  };
  const outbox = await openOutbox({ path: join(await temporaryFolder(), "outbox.jsonl"), client, finality: 0 });
  onTestFinished(() => outbox.close());
  const self = client.account as Address;
  const executor = new Executor({
    ...{ self, client, outbox, handlers: [handler], jobs: tasks, logger, takeoverMs: TAKEOVER_MS },
    attestations: aggregatedAttestations(exchange),
  });
  return {
    asked,
    /** One cycle, so many seconds after the directive has become active. */
    async tick(directive: IssuedDirective, seconds = 0): Promise<void> {
      const { committees } = await readChainView(client);
      const view = { committees, directives: [directive], chainTime: directive.activeAt + seconds };
      executor.tick(view, new AbortController().signal);
      await tasks.settled();
    },
  };
}

/** A node anchors its outcome, and says nothing of it yet. */
async function writes(world: Committee, index: number, { id }: IssuedDirective, does = done): Promise<ContentId> {
  const value: Outcome = { schema: "witan/outcome/1", directive: id, ...does };
  const { records } = await world.setting.client(index).anchorRecords({ records: [{ kind: "Outcome", value }] });
  return records[0]?.contentId ?? "0x";
}

const said = (outcome: ContentId) => ({ report: "done", outcome }) as const;

describe("an executor whose node exchanges attestations", () => {
  it("leads once, though nothing of it is on chain", async () => {
    const { directive, line, world } = await ordered();
    const [first = -1] = line;
    const { asked, tick } = await executorOf(world, first);
    await tick(directive);
    await tick(directive);
    expect(asked.executions).toBe(1);
    await world.heard(directive, 1);
    expect(await world.transactions(directive.id)).toEqual([]);
    const own = world.seatOf(first).exchange.own(directive.id, "end");
    const { value } = await world.setting.client().fetchRecord({ contentId: own?.outcome ?? "0x", kind: "Outcome" });
    expect(value).toMatchObject({ directive: directive.id, ...done });
  });

  it("attests an outcome that it knows from gossip alone, in whatever order other nodes were heard", async () => {
    const { directive, line, world } = await ordered();
    const [author = -1, second = -1, self = -1] = line;
    const { asked, tick } = await executorOf(world, self);
    const outcome = await writes(world, author, directive);
    await world.say(second, world.sign(directive.id, second, said(outcome)));
    await world.heard(directive, 1, self);
    // Its author does not stand by it yet.
    await tick(directive);
    expect(world.seatOf(self).exchange.own(directive.id, "end")).toBeUndefined();

    await world.say(author, world.sign(directive.id, author, said(outcome)));
    await world.heard(directive, 2, self);
    await tick(directive);
    expect(world.seatOf(self).exchange.own(directive.id, "end")).toMatchObject(said(outcome));
    await tick(directive);
    expect(asked).toMatchObject({ executions: 0, verified: [{ directive: directive.id }] });
    // The leader may be a node that was spoken for, and whose own exchange did not hear it: then the next one steps in.
    await world.run();
    await expect.poll(() => world.statusOf(directive.id), patience).toBe("Done");
    expect(await world.brought(directive.id)).toMatchObject([{ method: "reportByAggregate" }]);
  });

  it("is not kept from it by outcomes that somebody made up", async () => {
    const { directive, line, world } = await ordered();
    const [author = -1, self = -1, liar = -1, other = -1] = line;
    const { asked, tick } = await executorOf(world, self);
    await world.say(liar, world.sign(directive.id, liar, said(outcomeOf(9))));
    await world.say(other, world.sign(directive.id, other, said(outcomeOf(9))));
    const outcome = await writes(world, author, directive);
    await world.say(author, world.sign(directive.id, author, said(outcome)));
    await world.heard(directive, 3, self);
    await tick(directive);
    expect(world.seatOf(self).exchange.own(directive.id, "end")).toMatchObject(said(outcome));
    expect(asked).toMatchObject({ executions: 0, verified: [{ directive: directive.id }] });
  });

  it("sees by them that somebody leads, and takes over where nobody does", async () => {
    const { directive, line, lineOf, world } = await ordered();
    const [author = -1, self = -1] = line;
    const disagrees = { verify: async () => ({ holds: false, why: "it is still down" }) };
    const { asked, tick } = await executorOf(world, self, disagrees);
    await tick(directive, TAKEOVER_MS / 1_000 - 1);
    expect(asked.executions).toBe(0);
    const outcome = await writes(world, author, directive);
    await world.say(author, world.sign(directive.id, author, said(outcome)));
    await world.heard(directive, 1, self);
    await tick(directive, NEVER_MS);
    expect(asked.executions).toBe(0);

    const another = await world.issue("web-1");
    await world.look();
    const [, next = -1] = lineOf(another);
    const unled = await executorOf(world, next);
    await unled.tick(another, TAKEOVER_MS / 1_000 - 1);
    expect(unled.asked.executions).toBe(0);
    await unled.tick(another, TAKEOVER_MS / 1_000);
    expect(unled.asked.executions).toBe(1);
  });

  it("leads at once where it is first, and looks first whether another leads where it was away", async () => {
    const { directive, line, lineOf, world } = await ordered();
    const [self = -1] = line;
    let led = true;
    const { asked, tick } = await executorOf(world, self, { hasLeader: () => led });
    await tick(directive, TAKEOVER_MS / 1_000);
    expect(asked.executions).toBe(0);
    led = false;
    await tick(directive, TAKEOVER_MS / 1_000);
    expect(asked.executions).toBe(1);

    const another = await world.issue("web-1");
    await world.look();
    const [first = -1] = lineOf(another);
    const fresh = await executorOf(world, first, { hasLeader: () => true });
    await fresh.tick(another, TAKEOVER_MS / 1_000 - 1);
    expect(fresh.asked.executions).toBe(1);
  });

  it("is kept from the done for a while, and not for good, by who reports what it does not see", async () => {
    const { directive, line, world } = await ordered();
    const [liar = -1, self = -1] = line;
    const { asked, tick } = await executorOf(world, self, { verify: async () => ({ holds: false, why: "not so" }) });
    const madeUp = await writes(world, liar, directive);
    await world.say(liar, world.sign(directive.id, liar, said(madeUp)));
    await world.heard(directive, 1, self);
    const late = (10 * TAKEOVER_MS) / 1_000;
    await tick(directive, late);
    await tick(directive, late + (2 * TAKEOVER_MS) / 1_000 - 1);
    expect(asked.executions).toBe(0);
    await tick(directive, late + (2 * TAKEOVER_MS) / 1_000);
    expect(asked.executions).toBe(1);
  });

  describe("for an order whose place a later one has taken", () => {
    const [good, broken] = ["1", "2"].map(
      (digit): Release => ({ name: `web-${digit}`, command: ["node", `${digit}.js`], sha256: `0x${digit.repeat(64)}` }),
    ) as [Release, Release];
    const deploy: Order = { kind: "Deploy", workload: "web", release: broken, batch: 2 };
    const rollback: Order = { kind: "Rollback", workload: "web", from: broken.sha256, to: good };
    /** Every node sees a fleet on the good release: nothing is ill, and nothing runs the broken one. */
    const seesGood: Partial<DirectiveHandler> = {
      kinds: ["Deploy"],
      verify: async () => ({ holds: false, why: "nothing that was changed is ill" }),
    };
    const failure: ExecutionResult = { ...done, result: "failed" };

    async function rolledBack() {
      const { world, lineOf } = await ordered();
      const directive = await world.issue(deploy);
      const later = await world.issue(rollback);
      await world.look();
      const line = lineOf(directive);
      const end = async () => {
        const outcome = await writes(world, 0, later);
        for (const index of [0, 1, 2]) {
          await world.setting.client(index).reportDirective({ directiveId: later.id, report: "done", outcome });
        }
        expect(await world.statusOf(later.id)).toBe("Done");
      };
      return { world, directive, later, line, end };
    }

    it("attests that it has failed, though nothing of it is to be seen any more", async () => {
      const { directive, end, line, world } = await rolledBack();
      const [author = -1, self = -1] = line;
      const { tick } = await executorOf(world, self, seesGood);
      const outcome = await writes(world, author, directive, failure);
      await world.say(author, world.sign(directive.id, author, { report: "failed", outcome }));
      await world.heard(directive, 1, self);
      await tick(directive);
      expect(world.seatOf(self).exchange.own(directive.id, "end")).toBeUndefined();

      await end();
      await tick(directive);
      expect(world.seatOf(self).exchange.own(directive.id, "end")).toMatchObject({ report: "failed", outcome });
    });

    it("does not attest that it was done", async () => {
      const { directive, end, line, world } = await rolledBack();
      const [liar = -1, self = -1] = line;
      const { tick } = await executorOf(world, self, seesGood);
      await end();
      await world.say(liar, world.sign(directive.id, liar, said(await writes(world, liar, directive))));
      await world.heard(directive, 1, self);
      await tick(directive);
      expect(world.seatOf(self).exchange.own(directive.id, "end")).toBeUndefined();
    });

    it("leaves undone what nobody has begun, and every node says so in the same words", async () => {
      const { directive, end, later, line, world } = await rolledBack();
      await end();
      const [first = -1, second = -1] = line;
      for (const index of [first, second]) {
        const { asked, tick } = await executorOf(world, index, seesGood);
        await tick(directive, NEVER_MS);
        expect(asked.executions).toBe(0);
      }
      const [one, other] = [first, second].map((index) => world.seatOf(index).exchange.own(directive.id, "end"));
      expect(one).toEqual(other);
      const { value } = await world.setting.client().fetchRecord({ contentId: one?.outcome ?? "0x", kind: "Outcome" });
      expect(value).toMatchObject({ result: "failed", detail: [{ note: expect.stringContaining(later.id) }] });
    });
  });

  it("takes a node's report on chain and over gossip for one, that on chain", async () => {
    const { directive, line, world } = await ordered();
    const [author = -1, self = -1] = line;
    const verified: Outcome[] = [];
    const { tick } = await executorOf(world, self, {
      verify: async (_, value) => {
        verified.push(value);
        return { holds: false, why: "it is still down" };
      },
    });
    const outcome = await writes(world, author, directive);
    const another = await writes(world, author, directive, { ...done, durationMs: 2 });
    await world.setting.client(author).reportDirective({ directiveId: directive.id, report: "done", outcome });
    await world.say(author, world.sign(directive.id, author, said(another)));
    await world.heard(directive, 1, self);
    await tick(directive);
    expect(verified).toMatchObject([done]);
  });

  it("says nothing more where its report is on chain already", async () => {
    const { directive, line, world } = await ordered();
    const [self = -1] = line;
    const outcome = await writes(world, self, directive);
    await world.setting.client(self).reportDirective({ directiveId: directive.id, report: "done", outcome });
    const { asked, tick } = await executorOf(world, self);
    await tick(directive);
    expect(asked).toEqual({ executions: 0, verified: [], assists: 0 });
    expect(world.seatOf(self).exchange.own(directive.id, "end")).toBeUndefined();
  });

  it("says that it is ready once, and goes on at once", async () => {
    const { directive, line, world } = await ordered();
    const [author = -1, self = -1] = line;
    let preparations = 0;
    const prepare = async () => {
      preparations++;
    };
    const { tick } = await executorOf(world, self, { prepare });
    await tick(directive);
    await tick(directive);
    expect(preparations).toBe(1);
    await world.heard(directive, 1, author);
    const node = world.setting.client(self).account;
    expect(world.seatOf(author).exchange.heard(directive)).toEqual([{ node, report: "ready", outcome: null }]);
  });

  it("only helps where its node is not of the committee", async () => {
    const { world } = await ordered(6);
    const { proposalId } = await world.setting.client().openProposal({
      order: { kind: "Ban", indices: [5], reason: "absent" },
    });
    await world.setting.carryOut(proposalId);
    const directive = await world.issue("web-1");
    await world.look();
    const { asked, tick } = await executorOf(world, 5);
    await tick(directive, NEVER_MS);
    expect(asked).toEqual({ executions: 0, verified: [], assists: 1 });
  });
});

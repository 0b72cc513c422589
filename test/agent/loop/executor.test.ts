import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { readChainView } from "../../../src/agent/chainView.js";
import type { DirectiveHandler, ExecutionResult } from "../../../src/agent/handlers/handler.js";
import { Executor } from "../../../src/agent/loop/executor.js";
import { aggregatedAttestations } from "../../../src/agent/loop/strategies/aggregated.js";
import { openOutbox } from "../../../src/agent/outbox/open.js";
import type { SigningGuard } from "../../../src/agent/signing/signingGuard.js";
import type { IssuedDirective } from "../../../src/client/index.js";
import type { Address, ContentId, Order, Outcome, Release } from "../../../src/records/index.js";
import { temporaryFolder } from "../../harness/folder.js";
import { NEVER_MS } from "../../harness/patience.js";
import { type AttestationMesh, createAttestationMesh, outcomeOf } from "../attestations/attestationMesh.js";

const TAKEOVER_MS = 10_000;
const done: ExecutionResult = {
  result: "done",
  detail: [{ subject: "replica/web/3", result: "done", note: "restarted" }],
  produced: [],
};

/** Five nodes that know of a directive; each is given a handler that counts what is asked of it. */
async function ordered(nodes = 5) {
  const mesh = await createAttestationMesh({ nodes });
  await mesh.start(Array.from({ length: nodes }, (_, index) => index));
  const directive = await mesh.issue();
  await mesh.update();
  return { mesh, directive, leaders: mesh.leadersOf(directive.id) };
}

/** A node's executor over its real exchange, client and outbox. */
async function executorOf(
  mesh: AttestationMesh,
  index: number,
  change: Partial<DirectiveHandler> = {},
  guard?: Pick<SigningGuard, "permits">,
) {
  const { client, exchange, jobs, logger } = mesh.node(index);
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
  const outbox = await openOutbox({ path: join(temporaryFolder(), "outbox.jsonl"), client, finality: 0 });
  onTestFinished(() => outbox.close());
  const self = client.account as Address;
  const executor = new Executor({
    ...{ self, client, outbox, handlers: [handler], jobs, logger, takeoverMs: TAKEOVER_MS, guard },
    attestations: aggregatedAttestations(exchange),
  });
  return {
    asked,
    /** One cycle, so many seconds after the directive has become active. */
    async tick(directive: IssuedDirective, seconds = 0): Promise<void> {
      const { committees } = await readChainView(client);
      const view = { committees, directives: [directive], chainTime: directive.activeAt + seconds };
      executor.tick(view, new AbortController().signal);
      await jobs.settled();
    },
  };
}

/** A node anchors its outcome, and does not attest it yet. */
async function anchorOutcome(
  mesh: AttestationMesh,
  index: number,
  { id }: IssuedDirective,
  does = done,
): Promise<ContentId> {
  const value: Outcome = { schema: "witan/outcome/1", directive: id, ...does };
  const { records } = await mesh.dao.client(index).anchorRecords({ records: [{ kind: "Outcome", value }] });
  return records[0]?.contentId ?? "0x";
}

const doneWith = (outcome: ContentId) => ({ report: "done", outcome }) as const;

describe("an executor whose node exchanges attestations", () => {
  it("helps, and neither leads nor reports, on a directive from before a restore", async () => {
    const { directive, leaders, mesh } = await ordered();
    const [first = -1] = leaders;
    const asked: unknown[] = [];
    const permits = (subject: unknown) => {
      asked.push(subject);
      return false;
    };
    const executor = await executorOf(mesh, first, {}, { permits });
    await executor.tick(directive);
    expect(executor.asked).toMatchObject({ executions: 0, assists: 1 });
    expect(mesh.node(first).exchange.own(directive.id, "end")).toBeUndefined();
    expect(asked).toEqual([{ since: directive.issuedAt, window: 0 }]);
  });

  it("leads once, though nothing of it is on chain", async () => {
    const { directive, leaders, mesh } = await ordered();
    const [first = -1] = leaders;
    const { asked, tick } = await executorOf(mesh, first);
    await tick(directive);
    await tick(directive);
    expect(asked.executions).toBe(1);
    await mesh.waitForAttestations(directive, 1);
    expect(await mesh.transactions(directive.id)).toEqual([]);
    const own = mesh.node(first).exchange.own(directive.id, "end");
    const { value } = await mesh.dao.client().fetchRecord({ contentId: own?.outcome ?? "0x", kind: "Outcome" });
    expect(value).toMatchObject({ directive: directive.id, ...done });
  });

  it("attests an outcome that it knows from gossip alone, in whatever order other nodes were heard", async () => {
    const { directive, leaders, mesh } = await ordered();
    const [author = -1, second = -1, self = -1] = leaders;
    const { asked, tick } = await executorOf(mesh, self);
    const outcome = await anchorOutcome(mesh, author, directive);
    await mesh.publish(second, mesh.sign(directive.id, second, doneWith(outcome)));
    await mesh.waitForAttestations(directive, 1, self);
    // Its author does not stand by it yet.
    await tick(directive);
    expect(mesh.node(self).exchange.own(directive.id, "end")).toBeUndefined();

    await mesh.publish(author, mesh.sign(directive.id, author, doneWith(outcome)));
    await mesh.waitForAttestations(directive, 2, self);
    await tick(directive);
    expect(mesh.node(self).exchange.own(directive.id, "end")).toMatchObject(doneWith(outcome));
    await tick(directive);
    expect(asked).toMatchObject({ executions: 0, verified: [{ directive: directive.id }] });
    // The leader may be a node that was spoken for, and whose own exchange did not hear it: then the next one steps in.
    await mesh.run();
    await mesh.waitForStatus(directive.id, "Done");
    expect(await mesh.settlements(directive.id)).toMatchObject([{ method: "reportByAggregate" }]);
  });

  it("is not kept from it by outcomes that somebody made up", async () => {
    const { directive, leaders, mesh } = await ordered();
    const [author = -1, self = -1, liar = -1, other = -1] = leaders;
    const { asked, tick } = await executorOf(mesh, self);
    await mesh.publish(liar, mesh.sign(directive.id, liar, doneWith(outcomeOf(9))));
    await mesh.publish(other, mesh.sign(directive.id, other, doneWith(outcomeOf(9))));
    const outcome = await anchorOutcome(mesh, author, directive);
    await mesh.publish(author, mesh.sign(directive.id, author, doneWith(outcome)));
    await mesh.waitForAttestations(directive, 3, self);
    await tick(directive);
    expect(mesh.node(self).exchange.own(directive.id, "end")).toMatchObject(doneWith(outcome));
    expect(asked).toMatchObject({ executions: 0, verified: [{ directive: directive.id }] });
  });

  it("sees by them that somebody leads, and takes over where nobody does", async () => {
    const { directive, leaders, mesh } = await ordered();
    const [author = -1, self = -1] = leaders;
    const disagrees = { verify: async () => ({ holds: false, why: "it is still down" }) };
    const { asked, tick } = await executorOf(mesh, self, disagrees);
    await tick(directive, TAKEOVER_MS / 1_000 - 1);
    expect(asked.executions).toBe(0);
    const outcome = await anchorOutcome(mesh, author, directive);
    await mesh.publish(author, mesh.sign(directive.id, author, doneWith(outcome)));
    await mesh.waitForAttestations(directive, 1, self);
    await tick(directive, NEVER_MS);
    expect(asked.executions).toBe(0);

    const another = await mesh.issue("web-1");
    await mesh.update();
    const [, next = -1] = mesh.leadersOf(another.id);
    const unled = await executorOf(mesh, next);
    await unled.tick(another, TAKEOVER_MS / 1_000 - 1);
    expect(unled.asked.executions).toBe(0);
    await unled.tick(another, TAKEOVER_MS / 1_000);
    expect(unled.asked.executions).toBe(1);
  });

  it("leads at once where it is first, and looks first whether another leads where it was away", async () => {
    const { directive, leaders, mesh } = await ordered();
    const [self = -1] = leaders;
    let led = true;
    const { asked, tick } = await executorOf(mesh, self, { hasLeader: () => led });
    await tick(directive, TAKEOVER_MS / 1_000);
    expect(asked.executions).toBe(0);
    led = false;
    await tick(directive, TAKEOVER_MS / 1_000);
    expect(asked.executions).toBe(1);

    const another = await mesh.issue("web-1");
    await mesh.update();
    const [first = -1] = mesh.leadersOf(another.id);
    const fresh = await executorOf(mesh, first, { hasLeader: () => true });
    await fresh.tick(another, TAKEOVER_MS / 1_000 - 1);
    expect(fresh.asked.executions).toBe(1);
  });

  it("is kept from the done for a while, and not for good, by who reports what it does not see", async () => {
    const { directive, leaders, mesh } = await ordered();
    const [liar = -1, self = -1] = leaders;
    const { asked, tick } = await executorOf(mesh, self, { verify: async () => ({ holds: false, why: "not so" }) });
    const madeUp = await anchorOutcome(mesh, liar, directive);
    await mesh.publish(liar, mesh.sign(directive.id, liar, doneWith(madeUp)));
    await mesh.waitForAttestations(directive, 1, self);
    const late = (10 * TAKEOVER_MS) / 1_000;
    await tick(directive, late);
    await tick(directive, late + (2 * TAKEOVER_MS) / 1_000 - 1);
    expect(asked.executions).toBe(0);
    await tick(directive, late + (2 * TAKEOVER_MS) / 1_000);
    expect(asked.executions).toBe(1);
  });

  it("says nothing of what it can neither carry out nor see, and leaves it to another", async () => {
    const { directive, leaders, mesh } = await ordered();
    const [first = -1, second = -1, third = -1] = leaders;
    const blind = [
      await executorOf(mesh, first, { kinds: ["StartRound"] }),
      await executorOf(mesh, second, { concerns: () => false }),
      await executorOf(mesh, third, { execute: async () => undefined }),
    ];
    for (const { asked, tick } of blind) {
      await tick(directive, NEVER_MS);
      expect(asked.executions).toBe(0);
    }
    for (const index of [first, second, third])
      expect(mesh.node(index).exchange.own(directive.id, "end")).toBeUndefined();
  });

  it("reports what it has done though a note on it is longer than a record takes, and not all of it text", async () => {
    const { directive, leaders, mesh } = await ordered();
    const [first = -1] = leaders;
    const note = `it said ${"👩‍🚀".repeat(500)}\ud83d`;
    const { tick } = await executorOf(mesh, first, {
      execute: async () => ({ ...done, detail: [{ subject: "replica/web/3", result: "done", note }] }),
    });
    await tick(directive);
    const { outcome } = mesh.node(first).exchange.own(directive.id, "end") ?? {};
    const { value } = await mesh.dao.client(first).fetchRecord({ contentId: outcome as ContentId, kind: "Outcome" });
    expect(value.detail[0]?.note).toMatch(/^it said 👩‍🚀.*…$/u);
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
      const { mesh } = await ordered();
      const directive = await mesh.issue(deploy);
      const later = await mesh.issue(rollback);
      await mesh.update();
      const leaders = mesh.leadersOf(directive.id);
      const end = async () => {
        const outcome = await anchorOutcome(mesh, 0, later);
        for (const index of [0, 1, 2]) {
          await mesh.dao.client(index).reportDirective({ directiveId: later.id, report: "done", outcome });
        }
        expect(await mesh.statusOf(later.id)).toBe("Done");
      };
      return { mesh, directive, later, leaders, end };
    }

    it("attests that it has failed, though nothing of it is to be seen any more", async () => {
      const { directive, end, leaders, mesh } = await rolledBack();
      const [author = -1, self = -1] = leaders;
      const { tick } = await executorOf(mesh, self, seesGood);
      const outcome = await anchorOutcome(mesh, author, directive, failure);
      await mesh.publish(author, mesh.sign(directive.id, author, { report: "failed", outcome }));
      await mesh.waitForAttestations(directive, 1, self);
      await tick(directive);
      expect(mesh.node(self).exchange.own(directive.id, "end")).toBeUndefined();

      await end();
      await tick(directive);
      expect(mesh.node(self).exchange.own(directive.id, "end")).toMatchObject({ report: "failed", outcome });
    });

    it("does not attest that it was done", async () => {
      const { directive, end, leaders, mesh } = await rolledBack();
      const [liar = -1, self = -1] = leaders;
      const { tick } = await executorOf(mesh, self, seesGood);
      await end();
      await mesh.publish(liar, mesh.sign(directive.id, liar, doneWith(await anchorOutcome(mesh, liar, directive))));
      await mesh.waitForAttestations(directive, 1, self);
      await tick(directive);
      expect(mesh.node(self).exchange.own(directive.id, "end")).toBeUndefined();
    });

    it("leaves undone what nobody has begun, and every node says so in the same words", async () => {
      const { directive, end, later, leaders, mesh } = await rolledBack();
      await end();
      const [first = -1, second = -1] = leaders;
      for (const index of [first, second]) {
        const { asked, tick } = await executorOf(mesh, index, seesGood);
        await tick(directive, NEVER_MS);
        expect(asked.executions).toBe(0);
      }
      const [one, other] = [first, second].map((index) => mesh.node(index).exchange.own(directive.id, "end"));
      expect(one).toEqual(other);
      const { value } = await mesh.dao.client().fetchRecord({ contentId: one?.outcome ?? "0x", kind: "Outcome" });
      expect(value).toMatchObject({ result: "failed", detail: [{ note: expect.stringContaining(later.id) }] });
    });
  });

  it("takes a node's report on chain and over gossip for one, that on chain", async () => {
    const { directive, leaders, mesh } = await ordered();
    const [author = -1, self = -1] = leaders;
    const verified: Outcome[] = [];
    const { tick } = await executorOf(mesh, self, {
      verify: async (_, value) => {
        verified.push(value);
        return { holds: false, why: "it is still down" };
      },
    });
    const outcome = await anchorOutcome(mesh, author, directive);
    const another = await anchorOutcome(mesh, author, directive, { ...done, detail: [] });
    await mesh.dao.client(author).reportDirective({ directiveId: directive.id, report: "done", outcome });
    await mesh.publish(author, mesh.sign(directive.id, author, doneWith(another)));
    await mesh.waitForAttestations(directive, 1, self);
    await tick(directive);
    expect(verified).toMatchObject([done]);
  });

  it("says nothing more where its report is on chain already", async () => {
    const { directive, leaders, mesh } = await ordered();
    const [self = -1] = leaders;
    const outcome = await anchorOutcome(mesh, self, directive);
    await mesh.dao.client(self).reportDirective({ directiveId: directive.id, report: "done", outcome });
    const { asked, tick } = await executorOf(mesh, self);
    await tick(directive);
    expect(asked).toEqual({ executions: 0, verified: [], assists: 0 });
    expect(mesh.node(self).exchange.own(directive.id, "end")).toBeUndefined();
  });

  it("says that it is ready once, and goes on at once", async () => {
    const { directive, leaders, mesh } = await ordered();
    const [author = -1, self = -1] = leaders;
    let preparations = 0;
    const prepare = async () => {
      preparations++;
      return true;
    };
    const { tick } = await executorOf(mesh, self, { prepare });
    await tick(directive);
    await tick(directive);
    expect(preparations).toBe(1);
    await mesh.waitForAttestations(directive, 1, author);
    const node = mesh.dao.client(self).account;
    expect(mesh.node(author).exchange.heard(directive)).toEqual([{ node, report: "ready", outcome: null }]);
  });

  it("only helps where its node is not of the committee", async () => {
    const { mesh } = await ordered(6);
    const { proposalId } = await mesh.dao.client().openProposal({
      order: { kind: "Ban", operators: [mesh.accountOf(5)], reason: "absent" },
    });
    await mesh.dao.carryOut(proposalId);
    const directive = await mesh.issue("web-1");
    await mesh.update();
    const { asked, tick } = await executorOf(mesh, 5);
    await tick(directive, NEVER_MS);
    expect(asked).toEqual({ executions: 0, verified: [], assists: 1 });
  });
});

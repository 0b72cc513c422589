import { describe, expect, it } from "vitest";
import { Attempts } from "../../../src/agent/loop/attempts.js";
import type { Proposal } from "../../../src/client/index.js";
import type { PlannedProposal } from "../../../src/policy/index.js";
import { type ContentId, encodePayload, type Order, sortEvidence, subjectHash } from "../../../src/records/index.js";
import { createLogger } from "../../../src/utils/logger.js";
import { frozen, TestClock } from "../../harness/clock.js";

const SECOND = 1_000;
const HOUR = 3_600_000;
const evidence: ContentId[] = [`0x${"bb".repeat(32)}`, `0x${"aa".repeat(32)}`];
const planOf = (order: Order, subject: string, cited = evidence): PlannedProposal => ({
  ...{ order, subject, evidence: cited, delay: 0, window: 600 },
});
const restart = planOf({ kind: "Restart", replica: "web/3", instance: "web-3/1" }, "replica/web/3");
const scaleTo = (replicas: number) => planOf({ kind: "Scale", workload: "web", replicas }, "workload/web", []);

/** The proposal that nodes with this plan open, or one that differs from it. */
function proposalOf({ order, subject, evidence: cited }: PlannedProposal, id = "7", claim = true): Proposal {
  const { contentId: payload } = encodePayload({ schema: "witan/directive/1", subject, order });
  const directive = { kind: order.kind, subject: subjectHash(subject), payload, evidence: sortEvidence(cited) };
  return { id, directive, rules: { claim, presence: 1 } } as unknown as Proposal;
}

/** One node's attempts, at a time that the test tells. */
function open() {
  const clock = new TestClock(frozen());
  const logs: { message: string; [field: string]: unknown }[] = [];
  const logger = createLogger("info", (line) => logs.push(JSON.parse(line)));
  /** The proposals that nodes would not open. */
  const deviating = new Set<string>();
  const listDeviations = async ({ proposal }: { proposal: Partial<Proposal> }) =>
    deviating.has(proposal.id ?? "") ? ["another order on its subject was issued"] : [];
  const attempts = new Attempts({ client: { listDeviations }, clock, logger });
  return {
    ...{ attempts, clock, deviating, logs },
    /** What is due in a cycle in which these are planned, and these proposals have not ended. */
    due: (planned: readonly PlannedProposal[], ...proposals: readonly Proposal[]) => attempts.due(planned, proposals),
    /** One try to the end: it is put to the vote, open, and over. */
    async fail(plan = restart) {
      expect(await attempts.due([plan], [])).toEqual([plan]);
      expect(await attempts.due([plan], [proposalOf(plan)])).toEqual([]);
      expect(await attempts.due([plan], [])).toEqual([]);
    },
  };
}

describe("a plan whose claim a suspension has ended", () => {
  const suspended = 2;

  it("is due at once: nobody has refused it", async () => {
    const { attempts } = open();
    expect(await attempts.due([restart], [proposalOf(restart)])).toEqual([]);
    expect(await attempts.due([restart], [], suspended)).toEqual([restart]);
    // Its next one, of the presence now, is ended by nothing but a refusal.
    const next = { ...proposalOf(restart), rules: { claim: true, presence: suspended } } as Proposal;
    expect(await attempts.due([restart], [next], suspended)).toEqual([]);
    expect(await attempts.due([restart], [], suspended)).toEqual([]);
  });

  it("waits as ever where it claims nothing, or the suspension is older", async () => {
    for (const [claim, newest] of [
      [false, suspended],
      [true, 1],
    ] as const) {
      const { attempts } = open();
      expect(await attempts.due([restart], [proposalOf(restart, "7", claim)], newest)).toEqual([]);
      expect(await attempts.due([restart], [], newest)).toEqual([]);
    }
  });
});

describe("a plan", () => {
  it("is due at once, and again in each cycle until its proposal is open", async () => {
    const { clock, due, logs } = open();
    for (let cycle = 0; cycle < 3; cycle++) {
      expect(await due([restart])).toEqual([restart]);
      clock.pass(SECOND);
    }
    expect(logs).toEqual([]);
  });

  it("waits as long as its proposal is open, whoever has opened it and however long that takes", async () => {
    const { clock, due } = open();
    const proposal = proposalOf(restart);
    for (let cycle = 0; cycle < 3; cycle++) {
      expect(await due([restart], proposal)).toEqual([]);
      clock.pass(HOUR);
    }
  });

  it("is not kept waiting by a proposal that nodes would not open, however like it that is", async () => {
    const { deviating, due } = open();
    deviating.add("8").add("9");
    const hostile = [proposalOf(restart, "8"), proposalOf(restart, "9")];
    expect(await due([restart], ...hostile)).toEqual([restart]);
    expect(await due([restart], ...hostile, proposalOf(restart, "7"))).toEqual([]);
  });

  it("is not kept waiting by a proposal of another order, subject or evidence, or of no directive", async () => {
    const { due } = open();
    const other = planOf({ kind: "Restart", replica: "web/3", instance: "web-3/2" }, "replica/web/3");
    const proposals = [
      proposalOf(other),
      proposalOf({ ...restart, subject: "replica/web/4" }),
      proposalOf({ ...restart, evidence: evidence.slice(1) }),
      { id: "7", directive: null } as Proposal,
    ];
    expect(await due([restart], ...proposals)).toEqual([restart]);
  });
});

describe("a plan whose proposal was refused", () => {
  it("is tried again after thirty seconds, by monotonic time, and says so once", async () => {
    const { clock, due, fail, logs } = open();
    await fail();
    expect(logs).toMatchObject([
      {
        message: "an order is tried again later",
        kind: "Restart",
        subject: "replica/web/3",
        ended: 1,
        pauseMs: 30_000,
      },
    ]);
    clock.stepWall(HOUR);
    clock.pass(30 * SECOND - 1);
    expect(await due([restart])).toEqual([]);
    clock.pass(1);
    expect(await due([restart])).toEqual([restart]);
    expect(logs).toHaveLength(1);
  });

  it("is tried again after twice the pause each time, and after no more than an hour", async () => {
    const { clock, due, fail, logs } = open();
    const pauses = [30, 60, 120, 240, 480, 960, 1_920, 3_600, 3_600].map((seconds) => seconds * SECOND);
    for (const pause of pauses) {
      await fail();
      clock.pass(pause - 1);
      expect(await due([restart])).toEqual([]);
      clock.pass(1);
    }
    expect(logs.map(({ pauseMs }) => pauseMs)).toEqual(pauses);
  });

  it("joins a proposal that another node opens during the pause", async () => {
    const { clock, due, fail } = open();
    await fail();
    clock.pass(30 * SECOND);
    expect(await due([restart], proposalOf(restart))).toEqual([]);
    expect(await due([restart])).toEqual([]);
    clock.pass(60 * SECOND);
    expect(await due([restart])).toEqual([restart]);
  });

  it("keeps back no other plan, nor another order on the same subject", async () => {
    const { due, fail } = open();
    const other = planOf({ kind: "Restart", replica: "web/4", instance: "web-4/1" }, "replica/web/4");
    await fail();
    expect(await due([restart, other])).toEqual([other]);
    await fail(scaleTo(7));
    expect(await due([scaleTo(8)])).toEqual([scaleTo(8)]);
    expect(await due([scaleTo(7)])).toEqual([]);
  });
});

describe("a plan whose order was issued", () => {
  it("is tried again after the pause if the order has Failed or Lapsed, so that the plan is there again", async () => {
    const { clock, due, logs } = open();
    expect(await due([restart])).toEqual([restart]);
    // It is being carried out: nobody plans it.
    expect(await due([])).toEqual([]);
    expect(await due([restart])).toEqual([]);
    expect(logs).toMatchObject([{ ended: 1, pauseMs: 30_000 }]);
    clock.pass(30 * SECOND);
    expect(await due([restart])).toEqual([restart]);
    expect(await due([])).toEqual([]);
    expect(await due([restart])).toEqual([]);
    expect(logs.at(-1)).toMatchObject({ ended: 2, pauseMs: 60_000 });
  });
});

it("remembers a thousand plans and forgets the oldest, which is then due like a new one", async () => {
  const { due, fail } = open();
  const many = (workload: string, count: number) =>
    Array.from({ length: count }, (_, i) =>
      planOf({ kind: "Restart", replica: `${workload}/${i}`, instance: "1" }, `replica/${workload}/${i}`),
    );
  await fail();
  await due(many("api", 1_023));
  expect(await due([restart])).toEqual([]);
  await due(many("db", 1_024));
  expect(await due([restart])).toEqual([restart]);
});

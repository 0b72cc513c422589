import { describe, expect, it } from "vitest";
import { Committees } from "../../../src/agent/aggregation/committees.js";
import { LatestView } from "../../../src/agent/aggregation/latestView.js";
import { leaderOrder } from "../../../src/agent/aggregation/leaders/leaderSchedule.js";
import { OpenDirectives } from "../../../src/agent/attestations/openDirectives.js";
import { AttestationPool } from "../../../src/agent/attestations/pool.js";
import { AttestationSettler } from "../../../src/agent/attestations/settler.js";
import type { Attestation, Statement } from "../../../src/agent/attestations/statement.js";
import { BackgroundJobs } from "../../../src/agent/backgroundJobs.js";
import { AgentDefaults } from "../../../src/agent/defaults.js";
import type {
  AttestDirectiveParameters,
  Client,
  DirectiveAttestation,
  IssuedDirective,
  NodeSummary,
} from "../../../src/client/index.js";
import { ContractRevertError } from "../../../src/ports/chain/index.js";
import type { Address } from "../../../src/records/index.js";
import { createLogger } from "../../../src/utils/logger.js";
import { stepped } from "../../harness/clock.js";

const STRAGGLERS_MS = 30_000;
const operatorOf = (index: number): Address => `0x${index.toString(16).padStart(40, "0")}`;
const nodes = [0, 1, 2, 3, 4].map(
  (index): NodeSummary => ({
    ...{ index, operator: operatorOf(index), formerOperators: [], agent: operatorOf(index), peerId: "", key: "0x" },
    ...{ admittedAt: 1, removedAt: null, predecessor: null, active: true },
  }),
);
const directiveId = `0x${"11".repeat(32)}` as const;
/** Active for a thousand seconds: attestations wait for others until 200 are left. Three of five enact it. */
const directive = {
  ...{
    id: directiveId,
    status: "Issued",
    activeAt: 1_000,
    deadline: 2_000,
    epoch: 1,
    committeeSize: 5,
    departed: [] as readonly number[],
    needed: 3,
  },
} as IssuedDirective;
type Said = Pick<Statement, "report" | "outcome">;
const ready: Said = { report: "ready", outcome: null };
const done: Said = { report: "done", outcome: `0x${"22".repeat(32)}` };
const failed: Said = { report: "failed", outcome: `0x${"33".repeat(32)}` };
const by = (said: Said, ...indices: number[]): Attestation[] =>
  indices.map((index) => ({ directiveId, ...said, index, signature: new Uint8Array(96) }));
const revert = (errorName: string, args: Record<string, unknown> = {}) =>
  new ContractRevertError({ errorName, args, contract: "DirectiveRegistry" });
/** The nodes in the order in which they settle what is said of the end, or of being ready. */
const lineOf = (task: string) =>
  leaderOrder(
    `${task} ${directiveId}`,
    nodes.map(({ operator }) => operator),
  ).map((each) => Number(BigInt(each)));
const line = lineOf("attest");
const [first = 0, second = 0, third = 0, fourth = 0, fifth = 0] = line;
const ascending = (...indices: number[]) => indices.sort((a, b) => a - b);

/** One of five nodes, the first in line for what is said of the end unless said otherwise. */
function open(self = first) {
  const clock = stepped();
  const logs: { level: string; message: string; [field: string]: unknown }[] = [];
  const logger = createLogger("info", (text) => logs.push(JSON.parse(text)));
  const jobs = new BackgroundJobs(logger);
  const latest = new LatestView(clock);
  const committees = new Committees(nodes);
  latest.update({ committees, chainTime: 1_100 });
  const pool = new AttestationPool(clock);
  const state = {
    reports: [] as DirectiveAttestation[],
    reads: 0,
    directive,
    /** What the next transactions, or readings, are refused with. */
    refusals: [] as (() => Error)[],
    unread: [] as Error[],
    sent: [] as AttestDirectiveParameters[],
    rechecked: [] as number[][],
  };
  const client = {
    chain: { tip: "pending" },
    async listReports() {
      state.reads += 1;
      const broken = state.unread.shift();
      if (broken !== undefined) throw broken;
      return state.reports;
    },
    getDirective: async () => state.directive,
    async attestDirective(parameters: AttestDirectiveParameters) {
      state.sent.push(parameters);
      const refusal = state.refusals.shift()?.();
      if (refusal !== undefined) throw refusal;
      return { hash: "0x01", gasUsed: 5n };
    },
  } as unknown as Client;
  const { signal } = new AbortController();
  const directives = new OpenDirectives({ client, clock, latest, signal, onError: (error) => Promise.reject(error) });
  directives.update([directive]);
  const settler = new AttestationSettler({
    ...{ client, clock, jobs, latest, logger, pool, open: directives, waitForMoreMs: STRAGGLERS_MS },
    self: operatorOf(self),
    recheck: async (attestations) => {
      state.rechecked.push(attestations.map(({ index }) => index));
      for (const attestation of by(done, fifth)) pool.forget(attestation);
    },
  });
  return {
    ...{ clock, committees, latest, logs, pool, settler, state },
    add: (...all: readonly Attestation[]) => all.forEach((each) => void pool.add(each)),
    /** The chain counts what these nodes say. */
    count(said: Said, ...indices: number[]) {
      const where = { transactionHash: "0x", blockNumber: 1 } as const;
      state.reports.push(...indices.map((index) => ({ node: operatorOf(index), ...said, ...where })));
    },
    async update(stop = signal) {
      settler.beginCycle();
      await settler.update(directive, stop);
      await jobs.settled();
    },
    sent: () =>
      state.sent.map(({ attestations, report }) => [report, ascending(...attestations.map(({ index }) => index))]),
  };
}

describe("attestations go to the chain", () => {
  it("in one transaction as soon as more than half say the same, and not before", async () => {
    const { add, logs, sent, state, update } = open();
    add(...by(done, second, third), ...by(failed, fourth));
    await update();
    expect(sent()).toEqual([]);
    add(...by(done, fifth));
    await update(AbortSignal.abort());
    expect(sent()).toEqual([]);
    await update();
    expect(sent()).toEqual([["done", ascending(second, third, fifth)]]);
    expect(state.sent).toMatchObject([{ directiveId, outcome: done.outcome }]);
    expect(logs).toMatchObject([{ why: "enacts", attestations: 3, transaction: "0x01" }]);
  });

  it("with those that count already as one, and without them", async () => {
    const { add, count, sent, update } = open();
    add(...by(done, second, third, fourth));
    count(done, second);
    await update();
    expect(sent()).toEqual([["done", ascending(third, fourth)]]);
  });

  it("no more once enough of them count", async () => {
    const { add, clock, count, sent, update } = open();
    add(...by(done, first, second, third, fourth));
    count(done, second, third, fourth);
    clock.pass(STRAGGLERS_MS);
    await update();
    expect(sent()).toEqual([]);
  });

  it("late or after a wait only by a node that says the same: nobody pays for nonsense of others", async () => {
    const { add, clock, committees, latest, logs, sent, update } = open();
    add(...by(failed, second), ...by(done, first));
    clock.stepWall(10 * STRAGGLERS_MS);
    clock.pass(STRAGGLERS_MS - 1);
    await update();
    expect(sent()).toEqual([]);
    clock.pass(1);
    await update();
    expect([sent(), logs]).toMatchObject([[["done", [first]]], [{ why: "waited" }]]);
    latest.update({ committees, chainTime: 1_800 });
    await update();
    expect([sent().at(-1), logs.at(-1)]).toMatchObject([["done", [first]], { why: "deadline" }]);
  });

  it("from the moment on at which the directive is active, until its deadline", async () => {
    const { add, committees, latest, sent, update } = open();
    add(...by(done, second, third, fourth));
    for (const chainTime of [999, 2_001]) {
      latest.update({ committees, chainTime });
      await update();
    }
    expect(sent()).toEqual([]);
    latest.update({ committees, chainTime: 1_000 });
    await update();
    expect(sent()).toHaveLength(1);
  });

  it.each([
    ["here", "add"],
    ["on chain", "count"],
  ] as const)("to say who is ready, by a leader of their own, until an end is known %s", async (_, where) => {
    const [leader = 0] = lineOf("ready");
    const { add, clock, count, sent, update } = open(leader);
    add(...by(ready, leader, (leader + 1) % 5));
    clock.pass(STRAGGLERS_MS - 1);
    await update();
    clock.pass(1);
    await update();
    const said = ["ready", ascending(leader, (leader + 1) % 5)];
    expect(sent()).toEqual([said]);
    if (where === "add") add(...by(done, (leader + 2) % 5));
    else count(done, (leader + 2) % 5);
    await update();
    expect(sent()).toEqual([said]);
  });
});

it("settles a step after the first in line, and waits anew once the directive was forgotten", async () => {
  const { add, clock, sent, settler, update } = open(second);
  add(...by(done, first, third, fourth));
  await update();
  clock.pass(AgentDefaults.openStepMs);
  settler.forget(directiveId);
  await update();
  clock.pass(AgentDefaults.openStepMs - 1);
  await update();
  expect(sent()).toEqual([]);
  clock.pass(1);
  await update();
  expect(sent()).toEqual([["done", ascending(first, third, fourth)]]);
});

describe("a refusal", () => {
  it("of a signature has all of them verified again, and the bad one is left out", async () => {
    const { add, sent, state, update } = open();
    add(...by(done, second, third, fifth));
    state.refusals.push(() => revert("NodeRegistryInvalidSignature"));
    await update();
    expect(state.rechecked.map((indices) => ascending(...indices))).toEqual([ascending(second, third, fifth)]);
    expect(sent().at(-1)).toEqual(["done", ascending(second, third)]);
  });

  it.each<[string, (state: ReturnType<typeof open>["state"]) => void, number]>([
    ["lapsed", ({ refusals }) => refusals.push(() => revert("DirectiveRegistryLapsed")), 1],
    ["heard all of it by now", ({ refusals }) => refusals.push(() => revert("DirectiveRegistryNothingNew")), 1],
    ["ended since the snapshot", (state) => Object.assign(state, { directive: { ...directive, status: "Done" } }), 0],
  ])("because the directive has %s is the end of it", async (_, end, transactions) => {
    const { add, logs, state, update } = open();
    add(...by(done, second, third, fourth));
    end(state);
    await update();
    expect([state.sent.length, logs]).toEqual([transactions, []]);
  });

  it("that it does not know is told of, and the next update tries again", async () => {
    const { add, logs, sent, state, update } = open();
    add(...by(done, second, third, fourth));
    state.refusals.push(() => new Error("the line is broken"));
    await update();
    expect(logs).toMatchObject([{ level: "warn", reason: "the line is broken" }]);
    await update();
    expect([sent().length, logs.at(-2)]).toMatchObject([2, { message: "settled attestations" }]);
  });
});

it("reads once what counts until it is told to forget, and again where the chain did not answer", async () => {
  const { settler, state } = open();
  state.unread.push(new Error("the line is broken"));
  const ask = () => Promise.all([1, 2, 3].map(() => settler.countedOf(directiveId)));
  await expect(ask()).rejects.toThrow("the line is broken");
  const [counted, ...others] = await ask();
  expect([others, state.reads]).toEqual([[counted, counted], 2]);
  settler.beginCycle();
  expect((await ask())[0]).not.toBe(counted);
  settler.forget(directiveId);
  await ask();
  expect(state.reads).toBe(4);
});

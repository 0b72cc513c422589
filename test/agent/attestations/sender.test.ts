import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { Committees } from "../../../src/agent/aggregation/committees.js";
import { LatestView } from "../../../src/agent/aggregation/latestView.js";
import { CountedReports } from "../../../src/agent/attestations/counted.js";
import { decodeAttestation } from "../../../src/agent/attestations/message.js";
import { OpenDirectives } from "../../../src/agent/attestations/openDirectives.js";
import { AttestationPool } from "../../../src/agent/attestations/pool.js";
import { AttestationSender } from "../../../src/agent/attestations/sender.js";
import { signAttestation } from "../../../src/agent/attestations/sign.js";
import type { Statement } from "../../../src/agent/attestations/statement.js";
import { BackgroundJobs } from "../../../src/agent/backgroundJobs.js";
import { OwnStatements } from "../../../src/agent/signing/ownStatements.js";
import type { Client, DirectiveReport, IssuedDirective, NodeSummary } from "../../../src/client/index.js";
import { ContractRevertError, type ReportContext } from "../../../src/ports/chain/index.js";
import { blsPublicKey, loadBls } from "../../../src/ports/keys/index.js";
import { createLogger } from "../../../src/utils/logger.js";
import { stepped } from "../../harness/clock.js";

const bls = await loadBls();
const hour = 3_600_000;
const context: ReportContext = { chainId: 31_337, directives: `0x${"60".repeat(20)}` };
const blsSecret = new Uint8Array(32).fill(1);
const member: NodeSummary = {
  ...{
    index: 3,
    operator: `0x${"a0".repeat(20)}`,
    formerOperators: [],
    agent: `0x${"a0".repeat(20)}`,
    peerId: "",
    key: blsPublicKey(blsSecret),
  },
  ...{ admittedAt: 1, removedAt: null, predecessor: null, active: true },
};
const directiveId = `0x${"11".repeat(32)}` as const;
/** Active for a thousand seconds, of which the last hundred are too late to wait for others. */
const directive = {
  ...{
    id: directiveId,
    status: "Issued",
    activeAt: 1_000,
    deadline: 2_000,
    epoch: 1,
    departed: [] as readonly number[],
  },
} as IssuedDirective;
const done: Statement = { directiveId, report: "done", outcome: `0x${"22".repeat(32)}` };
const ready: Statement = { directiveId, report: "ready", outcome: null };
const sign = (statement: Statement) => signAttestation({ bls, context, blsSecret, index: 3, statement });
const revert = (errorName: string) => new ContractRevertError({ errorName, args: {}, contract: "DirectiveRegistry" });

/** The sender of one node, with a mesh of so many peers and a chain that notes what is reported there. */
async function open({ peers = 3, node = member, chainTime = 1_100 } = {}) {
  const dir = await mkdtemp(join(tmpdir(), "witan-statements-"));
  onTestFinished(() => rm(dir, { recursive: true, force: true }));
  const clock = stepped();
  const logs: { level: string; message: string; [field: string]: unknown }[] = [];
  const logger = createLogger("info", (line) => logs.push(JSON.parse(line)));
  const jobs = new BackgroundJobs(logger);
  const latest = new LatestView(clock);
  const committees = new Committees([node]);
  latest.update({ committees, chainTime });
  const statements = await OwnStatements.open(join(dir, "attestations.jsonl"));
  onTestFinished(() => statements.close());
  const state = {
    ...{ peers, published: [] as Uint8Array[], reported: [] as unknown[], refusal: null as unknown },
    /** What the chain counts of this node. */
    counts: [] as DirectiveReport[],
  };
  const client = {
    reportDirective: async (parameters: unknown) => {
      state.reported.push(parameters);
      if (state.refusal !== null) throw state.refusal;
      return { hash: "0x01", gasUsed: 5n };
    },
  } as unknown as Client;
  const { signal } = new AbortController();
  const directives = new OpenDirectives({ client, clock, latest, signal, onError: (error) => Promise.reject(error) });
  directives.update([directive]);
  const pool = new AttestationPool(clock);
  const sender = new AttestationSender({
    ...{ bls, clock, context, jobs, latest, logger, pool, statements, open: directives, topic: "t" },
    node: { account: node.operator, client, blsSecret },
    gossip: {
      subscribe: () => () => undefined,
      publish: async (_, bytes) => {
        state.published.push(bytes);
        return state.peers;
      },
    },
    countedOf: async () =>
      new CountedReports(
        state.counts.map((report) => ({
          ...{ node: node.operator, report, outcome: report === "ready" ? null : done.outcome },
          ...{ transactionHash: "0x", blockNumber: 1 },
        })),
      ),
  });
  return {
    ...{ clock, committees, directives, latest, logs, pool, sender, state, statements },
    sent: () => state.published.map((bytes) => decodeAttestation(bytes)),
    async again() {
      await sender.sendAgain();
      await jobs.settled();
    },
  };
}

describe("a statement that is on disk", () => {
  it("is signed and sent to all nodes, once for each part, and counts here as theirs do", async () => {
    const { logs, pool, sender, sent } = await open();
    for (const each of [ready, ready, done, done]) await sender.send(each, member);
    expect(sent()).toEqual([sign(ready), sign(done)]);
    expect(pool.list(directiveId).map(({ message }) => message)).toEqual([sign(ready), sign(done)]);
    expect(sender.directives).toEqual([directiveId, directiveId]);
    expect(logs).toMatchObject([{ ...ready, peers: 3 }, done]);
  });

  it("goes to the chain alone where others know another key of the node", async () => {
    const { again, logs, pool, sender, state } = await open();
    const other = { ...member, key: blsPublicKey(new Uint8Array(32).fill(2)) };
    await sender.send(done, other);
    await again();
    expect([state.published, pool.list(directiveId)]).toEqual([[], []]);
    expect(state.reported).toEqual([done]);
    expect(logs[0]).toMatchObject({ level: "warn", message: "this node's key is not the one that others know" });
  });

  it("is sent when the node starts again, both parts of it, and once", async () => {
    const { sender, sent, statements } = await open();
    await statements.record(ready);
    await statements.record(done);
    await statements.record({ ...done, directiveId: `0x${"12".repeat(32)}` });
    for (let cycle = 0; cycle < 2; cycle++) await sender.resume();
    expect(sent()).toEqual([sign(ready), sign(done)]);
  });

  it.each<[string, DirectiveReport[], Statement[]]>([
    ["that it was ready", ["ready"], [done]],
    ["its end", ["done"], []],
  ])("is not sent after a start where the chain counts %s", async (_, counts, expected) => {
    const { sender, sent, state, statements } = await open();
    for (const each of [ready, done]) await statements.record(each);
    state.counts = counts;
    await sender.resume();
    expect(sent()).toEqual(expected.map(sign));
  });

  it("is not sent by a node that was no member when the directive was issued", async () => {
    const { sender, state, statements } = await open({ node: { ...member, admittedAt: 2 } });
    await statements.record(done);
    await sender.resume();
    expect(state.published).toEqual([]);
  });
});

describe("an attestation that does not count yet", () => {
  it("is sent again every ten seconds, whatever happens to the wall clock", async () => {
    const { again, clock, sender, state } = await open();
    await sender.send(done, member);
    for (const step of [hour, -2 * hour]) {
      clock.stepWall(step);
      await again();
    }
    clock.pass(9_999);
    await again();
    expect(state.published).toHaveLength(1);
    clock.pass(1);
    await again();
    expect([state.published.length, state.reported]).toEqual([2, []]);
  });

  it.each([done, ready])("is reported directly once no peer has heard it for five seconds: $report", async (said) => {
    const { again, clock, logs, sender, state } = await open({ peers: 0 });
    await sender.send(said, member);
    clock.pass(4_999);
    await again();
    expect(state.reported).toEqual([]);
    clock.pass(1);
    await again();
    expect(state.reported).toEqual([{ ...said, outcome: said.outcome ?? undefined }]);
    expect(logs.at(-1)).toMatchObject({ message: "reported directly", why: "no peer hears" });
  });

  it("is reported directly as the deadline nears where it is an end: that a node was ready is worth nothing", async () => {
    const { again, committees, latest, logs, sender, state } = await open();
    await sender.send(ready, member);
    latest.update({ committees, chainTime: 1_950 });
    await again();
    latest.update({ committees, chainTime: 1_899 });
    await sender.send(done, member);
    await again();
    expect(state.reported).toEqual([]);
    latest.update({ committees, chainTime: 1_900 });
    await again();
    expect(state.reported).toEqual([done]);
    expect(logs.at(-1)).toMatchObject({ message: "reported directly", why: "the deadline comes near" });
  });

  it("is tried again where the chain could not be reached, and not where it refuses what is over", async () => {
    const { again, clock, logs, sender, state } = await open({ peers: 0 });
    await sender.send(done, member);
    clock.pass(5_000);
    for (const refusal of [
      new Error("the line is broken"),
      revert("DirectiveRegistryAlreadyReported"),
      revert("DirectiveRegistryLapsed"),
    ]) {
      state.refusal = refusal;
      await again();
    }
    expect(state.reported).toHaveLength(3);
    expect(logs.filter(({ level }) => level === "warn")).toMatchObject([{ reason: "the line is broken" }]);
    expect(logs.map(({ message }) => message)).not.toContain("reported directly");
  });
});

describe("an attestation that needs not be sent any more", () => {
  it("counts already, is too early or too late, or its directive has ended", async () => {
    const { again, clock, committees, directives, latest, sender, state } = await open({ peers: 0 });
    await sender.send(done, member);
    clock.pass(5_000);
    state.counts = ["done"];
    await again();
    state.counts = [];
    for (const chainTime of [999, 2_001]) {
      latest.update({ committees, chainTime });
      await again();
    }
    latest.update({ committees, chainTime: 1_100 });
    directives.update([]);
    await again();
    expect([state.published.length, state.reported]).toEqual([1, []]);
  });

  it("says that the node was ready, after it has sent its end", async () => {
    const { again, clock, sender, sent, state } = await open({ peers: 0 });
    for (const each of [ready, done]) await sender.send(each, member);
    clock.pass(5_000);
    await again();
    expect(sent()).toEqual([sign(ready), sign(done), sign(done)]);
    expect(state.reported).toEqual([done]);
  });

  it("is forgotten with its directive, and those on others are not", async () => {
    const { sender } = await open();
    const other: Statement = { ...done, directiveId: `0x${"12".repeat(32)}` };
    for (const each of [ready, done, other]) await sender.send(each, member);
    sender.forget(directiveId);
    expect(sender.directives).toEqual([other.directiveId]);
  });
});

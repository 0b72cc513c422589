import { describe, expect, it, onTestFinished } from "vitest";
import { encodeBallot } from "../../src/agent/ballots/message.js";
import { signNodeBallot } from "../../src/agent/ballots/sign.js";
import { OwnBallots } from "../../src/agent/signing/ownBallots.js";
import type { Client } from "../../src/client/index.js";
import { NO_CONTENT } from "../../src/ports/chain/index.js";
import { loadBls } from "../../src/ports/keys/index.js";
import { type Address, encodeRecord, type Order } from "../../src/records/index.js";
import { systemClock } from "../../src/utils/clock.js";
import { type Agents, type AgentsOptions, createAgents } from "../harness/agents.js";
import { TestClock } from "../harness/clock.js";
import { blsKey, shortTracks } from "../harness/deploy.js";
import { type FlakyRpc, startFlakyRpc } from "../harness/flakyRpc.js";
import { startHardhatNode } from "../harness/hardhatNode.js";
import { downIncident } from "../harness/listedFleet.js";
import { patience } from "../harness/patience.js";

async function agentsOf(options: AgentsOptions = {}): Promise<Agents> {
  const created = await createAgents(options);
  onTestFinished(() => created.close());
  return created;
}

const restartOf = (replica: string, instance: string): Order => ({ kind: "Restart", replica, instance });

const ballotsOf = async (reader: Client, proposalId: string) =>
  (await reader.listBallots({ proposalId })).map(({ voter, support, reason }) => ({ voter, support, reason }));

/** What went wrong for the agents and will be tried again. */
const troubles = ({ logs }: Agents) => logs.filter(({ level }) => level === "warn" || level === "error");

describe("five agents that see one incident", () => {
  it("open one proposal, vote with reasons, carry it out once and attest one outcome", async () => {
    const { witan, fleet, logs, connect, start, ended } = await agentsOf();
    const reader = await connect();
    await start(0, 1, 2, 3, 4);
    fleet.kill("web/2");
    const directive = await ended(reader, "Restart");

    const proposals = await reader.listProposals();
    expect(proposals).toHaveLength(1);
    const [proposal] = proposals;
    expect(proposal).toMatchObject({ state: "Executed", track: "emergency", directiveId: directive.id });
    expect(logs.filter(({ message }) => message === "opened a proposal")).toHaveLength(1);

    const ballots = await ballotsOf(reader, proposal?.id ?? "");
    // Three of five decide by the fast path; the others may come in before the proposal is moved on.
    expect(ballots.length).toBeGreaterThanOrEqual(3);
    expect(new Set(ballots.map(({ voter }) => voter)).size).toBe(ballots.length);
    for (const { support, reason } of ballots)
      expect({ support, reason }).toEqual({ support: "for", reason: "this node too sees replica/web/2 down" });

    expect(directive).toMatchObject({ status: "Done", committeeSize: 5 });
    expect([fleet.executions, fleet.restarts]).toEqual([1, new Map([["web/2", 1]])]);
    const reports = await reader.listReports({ directiveId: directive.id });
    expect(reports.length).toBeGreaterThanOrEqual(3);
    expect(new Set(reports.map(({ report, outcome }) => `${report} ${outcome}`))).toEqual(
      new Set([`done ${directive.outcome}`]),
    );
    const { value } = await reader.fetchRecord({ contentId: directive.outcome ?? "0x", kind: "Outcome" });
    expect(value).toMatchObject({ directive: directive.id, result: "done" });

    // All of them anchored the same incident, and the leader says how it ended.
    const incidents = async () => reader.listRecords({ kind: "Incident", limit: 20 });
    await expect
      .poll(async () => new Set((await incidents()).map(({ contentId }) => contentId)).size, patience)
      .toBe(2);
    const [resolved] = await incidents();
    const resolution = await reader.fetchRecord({ contentId: resolved?.contentId ?? "0x", kind: "Incident" });
    expect(resolution.value.resolution).toEqual({
      resolves: proposal?.evidence[0],
      directive: directive.id,
      outcome: directive.outcome,
    });
    const states = await reader.listRecords({ kind: "State", limit: 100 });
    expect(new Set(states.map(({ author }) => author))).toEqual(new Set(witan.operators.map(({ address }) => address)));
  });

  it("heal again when the new instance dies, by another proposal", async () => {
    const { fleet, connect, start } = await agentsOf({ nodes: 3, workloads: ["web/1"] });
    const reader = await connect();
    await start(0, 1, 2);
    for (const restarts of [1, 2]) {
      fleet.kill("web/1");
      const done = async () => (await reader.listDirectives({ statuses: ["Done"] })).length;
      await expect.poll(done, patience).toBe(restarts);
    }
    expect(fleet.restarts.get("web/1")).toBe(2);
    expect(await reader.listProposals()).toHaveLength(2);
  });
});

describe("a replica whose restart fails", () => {
  it("is restarted by another order after a pause, on which all agents agree without a word", async () => {
    const clocks = Array.from({ length: 5 }, () => new TestClock());
    const { fleet, logs, connect, cycles, start } = await agentsOf({
      clockOf: (index) => clocks[index] ?? systemClock,
    });
    const reader = await connect();
    await start(0, 1, 2, 3, 4);
    fleet.failing = 1;
    fleet.kill("web/2");
    const statuses = async () => (await reader.listDirectives()).map(({ status }) => status);
    await expect.poll(statuses, patience).toEqual(["Failed"]);
    const paused = () => logs.filter(({ message }) => message === "an order is tried again later");
    await expect.poll(() => new Set(paused().map(({ node }) => node)).size, patience).toBe(5);
    expect(paused()[0]).toMatchObject({ kind: "Restart", subject: "replica/web/2", ended: 1 });
    await cycles(0);
    expect([fleet.executions, (await reader.listProposals()).length]).toEqual([1, 1]);

    for (const clock of clocks) clock.pass(30_000);
    await expect.poll(async () => [...(await statuses())].sort(), patience).toEqual(["Done", "Failed"]);
    expect([fleet.executions, fleet.restarts]).toEqual([2, new Map([["web/2", 1]])]);
    const proposals = await reader.listProposals();
    expect(proposals).toHaveLength(2);
    // The second names the first as the last order on its subject: two orders with one base are never both issued.
    const bases = new Map(proposals.map(({ directive, directiveId }) => [directiveId, directive?.base]));
    const [failed] = await reader.listDirectives({ statuses: ["Failed"] });
    const [done] = await reader.listDirectives({ statuses: ["Done"] });
    expect([bases.get(done?.id ?? "0x"), bases.get(failed?.id ?? "0x")]).toEqual([failed?.id, NO_CONTENT]);
  });
});

describe("agents that exchange ballots", () => {
  const waitForMoreMs = 30_000;

  it("settle those on one incident together, and carry out what they decided", async () => {
    const { fleet, connect, hub: gossip, start, ended } = await agentsOf({ waitForMoreMs });
    const reader = await connect();
    await start(0, 1, 2, 3, 4);
    fleet.kill("web/2");
    expect(await ended(reader, "Restart")).toMatchObject({ status: "Done", committeeSize: 5 });
    expect(fleet.restarts).toEqual(new Map([["web/2", 1]]));

    const [proposal, ...others] = await reader.listProposals();
    expect(others).toEqual([]);
    expect(proposal).toMatchObject({ state: "Executed", votes: { against: 0, abstain: 0 } });
    const counted = await reader.chain.events({ names: ["BallotsCounted", "VoteCast"] });
    expect(counted.map(({ name }) => name)).toEqual(["BallotsCounted"]);
    const ballots = await reader.listBallots({ proposalId: proposal?.id ?? "" });
    expect(ballots.length).toBeGreaterThanOrEqual(3);
    expect(new Set(ballots.map(({ index }) => index)).size).toBe(ballots.length);
    expect(gossip.errors).toEqual([]);
  });

  it("attest what became of it together too: one transaction enacts", async () => {
    const { agents, fleet, connect, cycles, hub: gossip, start, ended } = await agentsOf({ waitForMoreMs });
    const reader = await connect();
    await start(0, 1, 2, 3, 4);
    fleet.kill("web/2");
    const directive = await ended(reader, "Restart");
    expect(directive).toMatchObject({ status: "Done", committeeSize: 5 });
    // Nodes that come later have nothing to add.
    await Promise.all([...agents.keys()].map((index) => cycles(index)));
    const reported = await reader.chain.events({ names: ["ReportsCounted", "DirectiveReported"] });
    expect(reported.map(({ name }) => name)).toEqual(["ReportsCounted"]);
    const reports = await reader.listReports({ directiveId: directive.id });
    expect(reports.length).toBeGreaterThanOrEqual(3);
    expect(new Set(reports.map(({ node }) => node)).size).toBe(reports.length);
    const { value } = await reader.fetchRecord({ contentId: directive.outcome ?? "0x", kind: "Outcome" });
    expect(value).toMatchObject({ directive: directive.id, result: "done" });
    expect(fleet.executions).toBe(1);
    expect(gossip.errors).toEqual([]);
  });

  it("report one by one where the chain adds no signatures up", async () => {
    const { fleet, connect, start, ended } = await agentsOf({ waitForMoreMs: 100, hardfork: "cancun" });
    const reader = await connect();
    await start(0, 1, 2, 3, 4);
    fleet.kill("web/2");
    expect(await ended(reader, "Restart")).toMatchObject({ status: "Done", committeeSize: 5 });
    const reported = await reader.chain.events({ names: ["ReportsCounted", "DirectiveReported"] });
    expect(reported.length).toBeGreaterThanOrEqual(3);
    expect(new Set(reported.map(({ name }) => name))).toEqual(new Set(["DirectiveReported"]));
  });

  it("ban a node that signs two different ballots, by themselves", async () => {
    const { witan, hub: gossip, connect, cycles, operator, start } = await agentsOf({ waitForMoreMs });
    const [reader, byzantine] = [await connect(), await connect(operator(4))];
    await start(0, 1, 2, 3);
    // Before they have looked at the chain they know no members.
    await Promise.all([0, 1, 2, 3].map((index) => cycles(index, 1)));
    const { proposalId } = await byzantine.openProposal({ order: restartOf("web/1", "web/1/1") });
    const node = {
      operator: operator(4).address as Address,
      client: byzantine,
      blsSecret: witan.blsKeys[4] ?? blsKey(4),
    };
    const bls = await loadBls();
    for (const support of ["for", "against"] as const) {
      const ballot = await signNodeBallot({ bls, aggregates: true, node, proposalId, index: 4, support });
      const topic = `witan/ballots/1/${witan.deployment.contracts.NodeGovernor.toLowerCase()}`;
      await gossip.peer("node 4").publish(topic, encodeBallot(ballot));
    }

    const ban = async () => (await reader.listProposals()).find(({ directive }) => directive?.kind === "Ban");
    await expect.poll(async () => (await ban())?.state, patience).toMatch(/Pending|Active/);
    const [evidence = "0x", ...more] = (await ban())?.evidence ?? [];
    expect(more).toEqual([]);
    const { value } = await reader.fetchRecord({ contentId: evidence, kind: "Incident" });
    expect(value).toMatchObject({ kind: "equivocation", subject: "node/4", observed: { proposal: proposalId } });

    await witan.increaseTime(shortTracks.membership.votingDelay + 1);
    await expect.poll(async () => (await ban())?.votes, patience).toEqual({ for: 4, against: 0, abstain: 0 });
    await witan.increaseTime(shortTracks.membership.votingPeriod + 1);
    await expect.poll(async () => (await ban())?.state, patience).toBe("Queued");
    await witan.increaseTime(shortTracks.membership.timelock);
    await expect.poll(async () => (await reader.listNodes()).map(({ index }) => index), patience).toEqual([0, 1, 2, 3]);
    expect(await reader.listProposals()).toHaveLength(2);
  });
});

describe("evidence that does not hold", () => {
  /** Records of a member that prove nothing, each in another way. */
  async function withBadEvidence() {
    const mesh = await agentsOf({ nodes: 6 });
    const { blocks, connect, operator } = mesh;
    const byHand = await connect(operator(5));
    const incidents = ["missing", "altered"].map((name) => downIncident(name, `${name}/1`));
    const anchored = await byHand.anchorRecords({ records: incidents.map((value) => ({ kind: "Incident", value })) });
    const [missing, altered] = anchored.records;
    if (missing === undefined || altered === undefined) throw new Error("nothing was anchored");
    blocks.delete(missing.cid);
    blocks.alter(altered.cid);
    const unanchored = encodeRecord("Incident", downIncident("unanchored", "unanchored/1"));
    await byHand.content.put(unanchored.bytes);
    return { ...mesh, byHand, missing, altered, unanchored };
  }

  it("is voted Against by every honest agent, with the reason", async () => {
    const { witan, byHand, missing, altered, unanchored, start } = await withBadEvidence();
    const cases = [
      [missing.contentId, /^evidence 0x\w{8} is missing: The block/],
      [altered.contentId, /^evidence 0x\w{8} is corrupt: The block/],
      [unanchored.contentId, /^evidence 0x\w{8} is unanchored: No anchor holds/],
    ] as const;
    const opened: { readonly proposalId: string; readonly reason: RegExp }[] = [];
    for (const [contentId, reason] of cases) {
      const order = { kind: "Scale", workload: "web", replicas: 4 } as const;
      const { proposalId } = await byHand.openProposal({ order, evidence: [contentId] });
      opened.push({ proposalId, reason });
    }
    await witan.increaseTime(shortTracks.operations.votingDelay + 1);
    await start(0, 1, 2, 3, 4);

    const honest = new Set(witan.operators.slice(0, 5).map(({ address }) => address));
    for (const { proposalId, reason } of opened) {
      await expect.poll(async () => (await ballotsOf(byHand, proposalId)).length, patience).toBe(5);
      const ballots = await ballotsOf(byHand, proposalId);
      expect(new Set(ballots.map(({ voter }) => voter))).toEqual(honest);
      for (const ballot of ballots) {
        expect(ballot).toMatchObject({ support: "against" });
        expect(ballot.reason).toMatch(reason);
      }
    }
    expect(await byHand.listDirectives()).toEqual([]);
  });

  it("gets no ballot from any honest agent where it is to prove a fact: the order just ends", async () => {
    const { agents, byHand, missing, altered, unanchored, cycles, start } = await withBadEvidence();
    const beside = await byHand.anchorRecords({
      records: [{ kind: "Incident", value: downIncident("web/1", "web/1/7") }],
    });
    const cases = [
      ["missing", missing.contentId],
      ["altered", altered.contentId],
      ["unanchored", unanchored.contentId],
      ["web/1", beside.records[0]?.contentId ?? "0x"],
    ] as const;
    const opened: string[] = [];
    for (const [replica, contentId] of cases) {
      const order = restartOf(replica, `${replica}/1`);
      opened.push((await byHand.openProposal({ order, evidence: [contentId] })).proposalId);
    }
    await start(0, 1, 2, 3, 4);
    await Promise.all([...agents.keys()].map((index) => cycles(index, 5)));
    for (const proposalId of opened) expect(await ballotsOf(byHand, proposalId)).toEqual([]);
    expect(await byHand.listDirectives()).toEqual([]);
  });

  it("does not keep an honest proposal for the same replica away", async () => {
    const { fleet, connect, operator, start, ended } = await agentsOf({ nodes: 6, takeoverMs: 1_000 });
    const byHand = await connect(operator(5));
    const unanchored = encodeRecord("Incident", { ...downIncident("web/1", "web/1/1"), severity: "low" });
    const order = restartOf("web/1", fleet.instanceOf("web/1"));
    const { proposalId } = await byHand.openProposal({ order, evidence: [unanchored.contentId] });
    fleet.kill("web/1");
    await start(0, 1, 2, 3, 4);
    expect(await ended(byHand, "Restart")).toMatchObject({ status: "Done" });
    expect((await byHand.getProposal({ proposalId })).votes).toEqual({ for: 0, against: 0, abstain: 0 });
    expect(fleet.restarts.get("web/1")).toBe(1);
  });
});

describe("an agent that was stopped", () => {
  it("does not vote twice, and the others go on when it is back", async () => {
    const mesh = await agentsOf();
    const { fleet, logs, connect, start, stop, cycles, ended } = mesh;
    const reader = await connect();
    await start(0);
    fleet.kill("web/3");
    await expect.poll(async () => (await reader.listProposals())[0]?.votes.for, patience).toBe(1);
    await stop(0);
    const proposalId = (await reader.listProposals())[0]?.id ?? "";

    await start(0);
    await cycles(0);
    expect(await ballotsOf(reader, proposalId)).toHaveLength(1);
    expect(logs.filter(({ message }) => message === "voted")).toHaveLength(1);
    expect(troubles(mesh)).toEqual([]);

    await start(1, 2, 3, 4);
    expect(await ended(reader, "Restart")).toMatchObject({ status: "Done" });
    expect(await reader.listProposals()).toHaveLength(1);
    expect(fleet.restarts.get("web/3")).toBe(1);
  });

  it("casts the ballot that it had written down before it ended, whatever it sees now", async () => {
    const { witan, connect, operator, dataDir, start } = await agentsOf();
    const reader = await connect();
    const member = await connect(operator(1));
    const { proposalId } = await member.openProposal({ order: { kind: "Scale", workload: "web", replicas: 4 } });
    await witan.increaseTime(shortTracks.operations.votingDelay + 1);
    const written = { proposalId, support: "abstain", reason: "written down before the crash" } as const;
    const box = await OwnBallots.open(`${dataDir(0)}/ballots.jsonl`);
    await box.record(written);
    await box.close();

    await start(0);
    await expect
      .poll(async () => ballotsOf(reader, proposalId), patience)
      .toMatchObject([{ voter: operator(0).address, support: written.support, reason: written.reason }]);
  });
});

describe("a Byzantine voter", () => {
  it("has its second ballot refused, by signature and directly", async () => {
    const { witan, connect, operator } = await agentsOf();
    const [byzantine, carrier] = [await connect(operator(4)), await connect(operator(0))];
    const { proposalId } = await byzantine.openProposal({ order: { kind: "Scale", workload: "web", replicas: 4 } });
    await witan.increaseTime(shortTracks.operations.votingDelay + 1);
    const first = await byzantine.signBallot({ proposalId, support: "for" });
    const second = await byzantine.signBallot({ proposalId, support: "against" });
    await carrier.castVoteBySig({ ballot: first });
    const refusal = { errorName: "GovernorAlreadyCastVote", args: { voter: operator(4).address } };
    await expect(carrier.castVoteBySig({ ballot: second })).rejects.toMatchObject(refusal);
    await expect(byzantine.castVote({ proposalId, support: "against" })).rejects.toMatchObject(refusal);
    expect((await carrier.getProposal({ proposalId })).votes).toEqual({ for: 1, against: 0, abstain: 0 });
  });
});

describe("orders that a member gives by hand", () => {
  it("are attested where they take effect on chain; where no node can carry them out, nobody says a word", async () => {
    const { agents, witan, connect, cycles, operator, start, ended } = await agentsOf({ nodes: 6, takeoverMs: 50 });
    const byHand = await connect(operator(5));
    await start(0, 1, 2, 3, 4);

    await byHand.openProposal({ order: { kind: "Scale", workload: "web", replicas: 4 } });
    await byHand.openProposal({ order: { kind: "SetFlag", name: "maintenance", value: true } });
    await witan.increaseTime(3);

    const flag = await ended(byHand, "SetFlag");
    const { value: done } = await byHand.fetchRecord({ contentId: flag.outcome ?? "0x", kind: "Outcome" });
    expect([flag.status, done.detail[0]?.note]).toEqual(["Done", "took effect on chain with its issue"]);

    await expect.poll(() => byHand.listDirectives({ kind: "Scale" }), patience).toMatchObject([{ status: "Issued" }]);
    await witan.increaseTime(60);
    for (const index of agents.keys()) await cycles(index);
    const [scale] = await byHand.listDirectives({ kind: "Scale" });
    expect(await byHand.listReports({ directiveId: scale?.id ?? "0x" })).toEqual([]);
  });

  it("get no ballot from an agent where they bring a release that no admitted publisher has signed", async () => {
    const { agents, witan, connect, cycles, operator, start } = await agentsOf({ nodes: 3, takeoverMs: 1_000 });
    const byHand = await connect(operator(2));
    await start(0, 1);
    const release = { name: "v2", command: ["sh", "evil.sh"], sha256: `0x${"22".repeat(32)}` } as const;
    const { proposalId } = await byHand.openProposal({ order: { kind: "Deploy", workload: "web", release, batch: 1 } });
    await witan.increaseTime(3);
    for (const index of agents.keys()) await cycles(index, 6);
    expect(await byHand.listBallots({ proposalId })).toEqual([]);
  });
});

describe("a chain that is out of reach for a while", () => {
  async function behindFlakyRpc(): Promise<{ rpc: FlakyRpc; mesh: Agents }> {
    const node = await startHardhatNode();
    const rpc = await startFlakyRpc(node.rpcUrl);
    onTestFinished(async () => {
      await rpc.close();
      await node.close();
    });
    // Connected through the proxy, deployed past it.
    return { rpc, mesh: await agentsOf({ node, nodes: 1, rpcUrl: rpc.url }) };
  }

  it("does not stop the loop: what was seen is kept, and acted on later", async () => {
    const { rpc, mesh } = await behindFlakyRpc();
    const { agents, fleet, connect, cycles, start, ended } = mesh;
    await start(0);
    await cycles(0);
    expect(agents.get(0)?.status.lastError).toBeUndefined();

    rpc.mode = "unavailable";
    fleet.kill("web/1");
    await expect.poll(() => agents.get(0)?.status.lastError, patience).toMatch(/HTTP status 503/);
    await cycles(0, 4);
    expect(agents.get(0)?.status.waitingRecords).toBeGreaterThan(0);
    expect(fleet.executions).toBe(0);

    rpc.mode = "pass";
    expect(await ended(await connect(), "Restart")).toMatchObject({ status: "Done" });
    expect(fleet.restarts).toEqual(new Map([["web/1", 1]]));
    await expect.poll(() => agents.get(0)?.status.lastError, patience).toBeUndefined();
  });
});

describe("agents whose wall clocks are set back and forth by an hour", () => {
  const HOUR = 3_600_000;

  it.each([undefined, 300])("go on healing, attesting and anchoring (stragglers: %s ms)", async (waitForMoreMs) => {
    const clocks = Array.from({ length: 5 }, () => new TestClock());
    const clockOf = (index: number) => clocks[index] ?? systemClock;
    const mesh = await agentsOf({ clockOf, ...(waitForMoreMs === undefined ? {} : { waitForMoreMs }) });
    const { agents, connect, cycles, fleet, start } = mesh;
    const reader = await connect();
    await start(0, 1, 2, 3, 4);
    await cycles(0);
    for (const [restarts, step] of [-HOUR, HOUR, 2 * HOUR, -2 * HOUR].entries()) {
      // Two clocks go one way, two the other, and one is right.
      for (const [index, clock] of clocks.slice(0, 4).entries()) clock.stepWall(index % 2 === 0 ? step : -step);
      fleet.kill("web/1");
      const done = async () => (await reader.listDirectives({ statuses: ["Done"] })).length;
      await expect.poll(done, patience).toBe(restarts + 1);
    }
    expect(fleet.restarts.get("web/1")).toBe(4);
    // States go on being anchored, by every node.
    const states = async () => (await reader.listRecords({ kind: "State", limit: 1_000 })).map(({ author }) => author);
    const before = await states();
    const more = async (author: string) => (await states()).filter((each) => each === author).length;
    for (const author of new Set(before)) {
      const had = before.filter((each) => each === author).length;
      await expect.poll(() => more(author), patience).toBeGreaterThan(had);
    }
    for (const agent of agents.values()) expect(agent.status.lastError).toBeUndefined();
  });
});

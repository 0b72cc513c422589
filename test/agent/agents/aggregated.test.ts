import { describe, expect, it } from "vitest";
import { encodeBallot } from "../../../src/agent/ballots/message.js";
import { signNodeBallot } from "../../../src/agent/ballots/sign.js";
import { loadBls } from "../../../src/ports/keys/index.js";
import type { Address } from "../../../src/records/index.js";
import { blsKey, shortTracks } from "../../harness/deploy.js";
import { patience } from "../../harness/patience.js";
import { agentsOf, restartOf } from "./agentsOf.js";

describe("agents that exchange ballots", () => {
  const waitForMoreMs = 30_000;

  it("settle those on one incident together, and attest what became of it together too: one transaction enacts", async () => {
    const { agents, fleet, connect, cycles, hub: gossip, start, ended } = await agentsOf({ waitForMoreMs });
    const reader = await connect();
    await start(0, 1, 2, 3, 4);
    fleet.kill("web/2");
    const directive = await ended(reader, "Restart");
    expect(directive).toMatchObject({ status: "Done", committeeSize: 5 });
    expect(fleet.restarts).toEqual(new Map([["web/2", 1]]));

    const [proposal, ...others] = await reader.listProposals();
    expect(others).toEqual([]);
    expect(proposal).toMatchObject({ state: "Executed", votes: { against: 0, abstain: 0 } });
    const counted = await reader.chain.events({ names: ["BallotsCounted", "VoteCast"] });
    expect(counted.map(({ name }) => name)).toEqual(["BallotsCounted"]);
    const ballots = await reader.listBallots({ proposalId: proposal?.id ?? "" });
    expect(ballots.length).toBeGreaterThanOrEqual(3);
    expect(new Set(ballots.map(({ index }) => index)).size).toBe(ballots.length);

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
    const { fleet, connect, start, ended } = await agentsOf({ nodes: 3, waitForMoreMs: 100, hardfork: "cancun" });
    const reader = await connect();
    await start(0, 1, 2);
    fleet.kill("web/2");
    expect(await ended(reader, "Restart")).toMatchObject({ status: "Done", committeeSize: 3 });
    const reported = await reader.chain.events({ names: ["ReportsCounted", "DirectiveReported"] });
    expect(reported.length).toBeGreaterThanOrEqual(2);
    expect(new Set(reported.map(({ name }) => name))).toEqual(new Set(["DirectiveReported"]));
  });

  it("ban a node that signs two different ballots, by themselves", async () => {
    const { witan, hub: gossip, connect, cycles, operator, start } = await agentsOf({ nodes: 4, waitForMoreMs });
    const [reader, byzantine] = [await connect(), await connect(operator(3))];
    await start(0, 1, 2);
    // Before they have looked at the chain they know no members.
    await Promise.all([0, 1, 2].map((index) => cycles(index, 1)));
    const { proposalId } = await byzantine.openProposal({ order: restartOf("web/1", "web/1/1") });
    const node = {
      account: operator(3).address as Address,
      client: byzantine,
      blsSecret: witan.blsKeys[3] ?? blsKey(3),
    };
    const bls = await loadBls();
    for (const support of ["for", "against"] as const) {
      const ballot = await signNodeBallot({ bls, aggregates: true, node, proposalId, index: 3, support });
      const topic = `witan/ballots/1/${witan.deployment.contracts.NodeGovernor.toLowerCase()}`;
      await gossip.peer("node 3").publish(topic, encodeBallot(ballot));
    }

    const ban = async () => (await reader.listProposals()).find(({ directive }) => directive?.kind === "Ban");
    await expect.poll(async () => (await ban())?.state, patience).toMatch(/Pending|Active/);
    const [evidence = "0x", ...more] = (await ban())?.evidence ?? [];
    expect(more).toEqual([]);
    const { value } = await reader.fetchRecord({ contentId: evidence, kind: "Incident" });
    expect(value).toMatchObject({ kind: "equivocation", subject: "node/3", observed: { proposal: proposalId } });

    await witan.increaseTime(shortTracks.membership.votingDelay + 1);
    await expect.poll(async () => (await ban())?.votes, patience).toEqual({ for: 3, against: 0, abstain: 0 });
    await witan.increaseTime(shortTracks.membership.votingPeriod + 1);
    await expect.poll(async () => (await ban())?.state, patience).toBe("Queued");
    await witan.increaseTime(shortTracks.membership.timelock);
    await expect.poll(async () => (await reader.listNodes()).map(({ index }) => index), patience).toEqual([0, 1, 2]);
    expect(await reader.listProposals()).toHaveLength(2);
  });
});

import { describe, expect, it } from "vitest";
import { NO_CONTENT } from "../../../src/ports/chain/index.js";
import { systemClock } from "../../../src/utils/clock.js";
import { TestClock } from "../../harness/clock.js";
import { patience } from "../../harness/patience.js";
import { agentsOf, ballotsOf } from "./agentsOf.js";

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

    // Some of them anchored the same incident, and the leader says how it ended.
    const incidents = async () => {
      const contentIds = (await reader.listRecords({ kind: "Incident", limit: 20 })).map(({ contentId }) => contentId);
      return [...new Set(contentIds)];
    };
    await expect.poll(incidents, patience).toHaveLength(2);
    const [evidence] = proposal?.evidence ?? [];
    const [resolved = "0x"] = (await incidents()).filter((contentId) => contentId !== evidence);
    const resolution = await reader.fetchRecord({ contentId: resolved, kind: "Incident" });
    expect(resolution.value.resolution).toEqual({
      resolves: evidence,
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
    const clocks = Array.from({ length: 3 }, () => new TestClock());
    const { fleet, logs, connect, cycles, start } = await agentsOf({
      nodes: 3,
      clockOf: (index) => clocks[index] ?? systemClock,
    });
    const reader = await connect();
    await start(0, 1, 2);
    fleet.failing = 1;
    fleet.kill("web/2");
    const statuses = async () => (await reader.listDirectives()).map(({ status }) => status);
    await expect.poll(statuses, patience).toEqual(["Failed"]);
    const paused = () => logs.filter(({ message }) => message === "an order is tried again later");
    await expect.poll(() => new Set(paused().map(({ node }) => node)).size, patience).toBe(3);
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

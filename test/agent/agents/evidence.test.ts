import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Client } from "../../../src/client/index.js";
import { encodeRecord } from "../../../src/records/index.js";
import { type Agents, createAgents } from "../../harness/agents.js";
import { shortTracks } from "../../harness/deploy.js";
import { downIncident } from "../../harness/listedFleet.js";
import { patience } from "../../harness/patience.js";
import { agentsOf, ballotsOf, restartOf } from "./agentsOf.js";

const honest = [0, 1, 2];

describe("evidence that does not hold", () => {
  let mesh: Agents;
  /** The member that proposes by hand. */
  let byHand: Client;
  /** Proposals to scale the fleet, each with evidence that proves nothing in another way. */
  const scalings: { readonly proposalId: string; readonly reason: RegExp }[] = [];
  /** Proposals to restart a replica, with the same evidence and with that on another instance. */
  const restarts: string[] = [];

  beforeAll(async () => {
    mesh = await createAgents({ nodes: 4 });
    byHand = await mesh.connect(mesh.operator(3));
    const incidents = ["missing", "altered", "web/1"].map((name) => downIncident(name, `${name}/7`));
    const anchored = await byHand.anchorRecords({ records: incidents.map((value) => ({ kind: "Incident", value })) });
    const [missing, altered, beside] = anchored.records;
    if (missing === undefined || altered === undefined || beside === undefined) throw new Error("nothing was anchored");
    mesh.blocks.delete(missing.cid);
    mesh.blocks.alter(altered.cid);
    const unanchored = encodeRecord("Incident", downIncident("unanchored", "unanchored/7"));
    await byHand.content.put(unanchored.bytes);

    for (const [{ contentId }, reason] of [
      [missing, /^evidence 0x\w{8} is missing: The block/],
      [altered, /^evidence 0x\w{8} is corrupt: The block/],
      [unanchored, /^evidence 0x\w{8} is unanchored: No anchor holds/],
    ] as const) {
      const order = { kind: "Scale", workload: "web", replicas: 4 } as const;
      scalings.push({ reason, ...(await byHand.openProposal({ order, evidence: [contentId] })) });
    }
    for (const [replica, instance, { contentId }] of [
      ["missing", "missing/7", missing],
      ["altered", "altered/7", altered],
      ["unanchored", "unanchored/7", unanchored],
      // What is anchored here is true of no instance, and the order names the one that runs.
      ["web/1", "web/1/1", beside],
    ] as const) {
      const order = restartOf(replica, instance);
      restarts.push((await byHand.openProposal({ order, evidence: [contentId] })).proposalId);
    }
    await mesh.witan.increaseTime(shortTracks.operations.votingDelay + 1);
    await mesh.start(...honest);
  });
  afterAll(() => mesh.close());

  it("is voted Against by every honest agent, with the reason", async () => {
    const operators = new Set(honest.map((index) => mesh.operator(index).address));
    for (const { proposalId, reason } of scalings) {
      await expect.poll(async () => (await ballotsOf(byHand, proposalId)).length, patience).toBe(honest.length);
      const ballots = await ballotsOf(byHand, proposalId);
      expect(new Set(ballots.map(({ voter }) => voter))).toEqual(operators);
      for (const ballot of ballots) {
        expect(ballot).toMatchObject({ support: "against" });
        expect(ballot.reason).toMatch(reason);
      }
    }
    expect(await byHand.listDirectives()).toEqual([]);
  });

  it("gets no ballot from any honest agent where it is to prove a fact: the order just ends", async () => {
    await Promise.all(honest.map((index) => mesh.cycles(index, 5)));
    for (const proposalId of restarts) {
      expect((await byHand.getProposal({ proposalId })).state).toBe("Active");
      expect(await ballotsOf(byHand, proposalId)).toEqual([]);
    }
    expect(await byHand.listDirectives()).toEqual([]);
  });

  it("does not keep an honest proposal for the same replica away", async () => {
    const { fleet, connect, operator, start, ended } = await agentsOf({ nodes: 4, takeoverMs: 1_000 });
    const proposer = await connect(operator(3));
    const unanchored = encodeRecord("Incident", { ...downIncident("web/1", "web/1/1"), severity: "low" });
    const order = restartOf("web/1", fleet.instanceOf("web/1"));
    const { proposalId } = await proposer.openProposal({ order, evidence: [unanchored.contentId] });
    fleet.kill("web/1");
    await start(...honest);
    expect(await ended(proposer, "Restart")).toMatchObject({ status: "Done" });
    expect((await proposer.getProposal({ proposalId })).votes).toEqual({ for: 0, against: 0, abstain: 0 });
    expect(fleet.restarts.get("web/1")).toBe(1);
  });
});

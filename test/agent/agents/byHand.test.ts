import { describe, expect, it } from "vitest";
import { shortTracks } from "../../harness/deploy.js";
import { patience } from "../../harness/patience.js";
import { agentsOf } from "./agentsOf.js";

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
    const { agents, witan, connect, cycles, operator, start, ended } = await agentsOf({ nodes: 4, takeoverMs: 50 });
    const byHand = await connect(operator(3));
    await start(0, 1, 2);

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

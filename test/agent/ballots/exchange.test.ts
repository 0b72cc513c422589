import { describe, expect, it } from "vitest";
import { AGENT_PERIOD, rotate } from "../../harness/client/directives.js";
import { blsKey } from "../../harness/deploy.js";
import { all } from "../../harness/mesh.js";
import { NEVER_MS, patience } from "../../harness/patience.js";
import { createBallotMesh, slowTracks } from "./ballotMesh.js";

const three = [0, 1, 2];
const five = [0, 1, 2, 3, 4];
const seven = [0, 1, 2, 3, 4, 5, 6];

describe("nodes that exchange ballots", () => {
  it("settle all of them in one transaction, which says exactly who voted what", async () => {
    const mesh = await createBallotMesh({ nodes: 7, tracks: slowTracks() });
    await mesh.start(seven);
    const proposal = await mesh.propose();
    await mesh.updateMembers();
    const ballots = { ...all([0, 2, 4], "for"), ...all([1, 5], "against"), ...all([3, 6], "abstain") };
    await mesh.vote(proposal, ballots);
    await mesh.waitForBallots(proposal.id, 7);
    await mesh.run();
    await mesh.waitForTally(proposal.id, ballots);
    expect(await mesh.settlements(proposal.id)).toMatchObject([{ method: "castVotesByAggregate" }]);
    expect(mesh.logs.filter(({ message }) => message === "settled ballots")).toMatchObject([
      { why: "decided", ballots: 7 },
    ]);
  });

  it("decide at once where a vote can end early, and drop what came too late", async () => {
    const mesh = await createBallotMesh({ nodes: 5 });
    await mesh.start(five);
    await mesh.run();
    const proposal = await mesh.propose();
    await mesh.vote(proposal, all(three, "for"));
    await expect
      .poll(async () => (await mesh.dao.client().getProposal({ proposalId: proposal.id })).state, patience)
      .toBe("Succeeded");
    await mesh.waitForBallots(proposal.id, 0);
    await mesh.vote(proposal, { 3: "against", 4: "for" });
    await mesh.waitForBallots(proposal.id, 0);
    expect(await mesh.counted(proposal.id)).toEqual(all(three, "for"));
    expect(await mesh.settlements(proposal.id)).toHaveLength(1);
  });

  it("show what they know of a vote before the chain does", async () => {
    const mesh = await createBallotMesh({ nodes: 5, tracks: slowTracks() });
    await mesh.start(five);
    await mesh.run();
    const proposal = await mesh.propose();
    await mesh.vote(proposal, { 1: "for", 2: "abstain" });
    await mesh.waitForBallots(proposal.id, 2);
    expect(mesh.node(2).exchange.view(proposal.id)).toEqual({
      known: expect.arrayContaining([
        { index: 1, support: "for" },
        { index: 2, support: "abstain" },
      ]),
      equivocations: [],
    });
    const needs = (index: number) => mesh.node(index).exchange.needs(proposal, mesh.accountOf(index));
    expect([await needs(2), await needs(3)]).toEqual([false, true]);
    expect(await mesh.transactions(proposal.id)).toEqual([]);
  });
});

describe("ballots that decide nothing", () => {
  it("wait for stragglers, and are settled together then", async () => {
    const mesh = await createBallotMesh({ nodes: 5, tracks: slowTracks() });
    await mesh.start(five, { waitForMoreMs: NEVER_MS / 2 });
    await mesh.run();
    const proposal = await mesh.propose();
    await mesh.vote(proposal, { 1: "for", 3: "abstain" });
    await mesh.waitForBallots(proposal.id, 2);
    expect(await mesh.transactions(proposal.id)).toEqual([]);
    mesh.clock.pass(NEVER_MS / 2);
    await mesh.waitForTally(proposal.id, { 1: "for", 3: "abstain" });
    expect(await mesh.settlements(proposal.id)).toMatchObject([{ method: "castVotesByAggregate" }]);
  });

  it("are settled together as the vote's end nears", async () => {
    const mesh = await createBallotMesh({ nodes: 5, tracks: slowTracks() });
    await mesh.start(five);
    await mesh.run();
    const proposal = await mesh.propose();
    await mesh.vote(proposal, { 1: "for", 3: "abstain" });
    await mesh.waitForBallots(proposal.id, 2);
    // Ten minutes are the margin, in the last five of which nodes vote directly.
    await mesh.increaseTimeTo(proposal.deadline - 590);
    await mesh.waitForTally(proposal.id, { 1: "for", 3: "abstain" });
    expect(await mesh.settlements(proposal.id)).toMatchObject([{ method: "castVotesByAggregate" }]);
    expect(mesh.logs).toContainEqual(expect.objectContaining({ message: "settled ballots", why: "deadline" }));
  });
});

describe("a node that hears nobody", () => {
  it("votes directly, with its reason, and the others settle without it", async () => {
    const mesh = await createBallotMesh({ nodes: 5, tracks: slowTracks() });
    await mesh.start(five);
    await mesh.run();
    const proposal = await mesh.propose();
    mesh.cutOff(4);
    // The others are at odds, so they wait for what it says.
    const ballots = { 0: "for", 1: "against", 2: "for", 3: "against", 4: "for" } as const;
    await mesh.vote(proposal, ballots);
    await mesh.waitForBallots(proposal.id, 4, 0, 1, 2, 3);
    mesh.clock.pass(5_000);
    await mesh.waitForTally(proposal.id, ballots);
    expect(await mesh.settlements(proposal.id)).toContainEqual({ by: 4, method: "castVoteWithReason" });
    const cast = await mesh.dao.client().chain.events({ names: ["VoteCast"] });
    expect(cast.map(({ args }) => args.reason)).toEqual(["node 4 votes for"]);
  });
});

describe("nodes for whom nobody settles", () => {
  it("vote directly before the vote ends, each for itself", async () => {
    const mesh = await createBallotMesh({ nodes: 5, tracks: slowTracks() });
    await mesh.start(five, { client: { castVotes: () => Promise.reject(new Error("no aggregator works")) } });
    await mesh.run();
    const proposal = await mesh.propose();
    const ballots = { ...all([0, 2, 4], "for"), 1: "against" } as const;
    await mesh.vote(proposal, ballots);
    await mesh.waitForBallots(proposal.id, 4);
    await mesh.increaseTimeTo(proposal.deadline - 290);
    await mesh.waitForTally(proposal.id, ballots);
    const sent = await mesh.settlements(proposal.id);
    expect(sent.map(({ by }) => by).sort()).toEqual([0, 1, 2, 4]);
    expect(new Set(sent.map(({ method }) => method))).toEqual(new Set(["castVoteWithReason"]));
  });
});

describe("ballots on a proposal that nobody opens", () => {
  it("are forgotten after ten minutes", async () => {
    const mesh = await createBallotMesh({ nodes: 5, tracks: slowTracks() });
    await mesh.start(five);
    await mesh.run();
    await mesh.publish(0, await mesh.sign("42", 3, "for"));
    await mesh.waitForBallots("42", 1, 1, 2, 3, 4);
    await mesh.update();
    mesh.clock.pass(599_000);
    await mesh.update();
    await mesh.waitForBallots("42", 1, 1, 2, 3, 4);
    mesh.clock.pass(1_000);
    await mesh.waitForBallots("42", 0);
    await mesh.publish(0, await mesh.sign("42", 3, "for"));
    await expect.poll(() => mesh.node(1).exchange.counts.notNow, patience).toBe(1);
  });
});

describe("a node that starts again", () => {
  it("settles what it had, its own ballot and those of others", async () => {
    const mesh = await createBallotMesh({ nodes: 5, tracks: slowTracks() });
    await mesh.start(five);
    await mesh.run();
    const proposal = await mesh.propose();
    const ballots = { 0: "for", 1: "against", 2: "abstain" } as const;
    await mesh.vote(proposal, ballots);
    await mesh.waitForBallots(proposal.id, 3);
    await mesh.stop(...five);
    expect(await mesh.transactions(proposal.id)).toEqual([]);

    await mesh.start([3], { waitForMoreMs: 0 });
    await mesh.run();
    await mesh.waitForTally(proposal.id, ballots);
    expect(await mesh.settlements(proposal.id)).toMatchObject([{ by: 3 }]);
  });

  it("sends its ballot again, and only once to the chain", async () => {
    const mesh = await createBallotMesh({ nodes: 3, tracks: slowTracks() });
    await mesh.start(three);
    await mesh.run();
    const proposal = await mesh.propose();
    await mesh.vote(proposal, { 0: "for" });
    await mesh.waitForBallots(proposal.id, 1);
    await mesh.stop(0);
    await mesh.start([0]);
    await mesh.run(0);
    await mesh.waitForBallots(proposal.id, 1, 0);
    await mesh.vote(proposal, all(three, "for"));
    await mesh.waitForBallots(proposal.id, 3);
    mesh.clock.pass(NEVER_MS);
    await mesh.waitForTally(proposal.id, all(three, "for"));
    const methods = (await mesh.transactions(proposal.id)).map(({ method }) => method);
    expect(new Set(methods)).toEqual(new Set(["castVotesByAggregate"]));
  });
});

describe("a key that was rotated after a vote was opened", () => {
  async function rotated() {
    const mesh = await createBallotMesh({ nodes: 5, tracks: slowTracks() });
    const { dao } = mesh;
    await dao.witan.increaseTime(AGENT_PERIOD);
    const proposal = await mesh.propose();
    const next = blsKey("rotated");
    await rotate(dao, 1, "rotated");
    expect((await dao.client().listNodes()).map(({ index }) => index)).toEqual([0, 2, 3, 4, 5]);
    return { mesh, proposal, next };
  }

  it("still signs what counts in its epoch", async () => {
    const { mesh, proposal } = await rotated();
    await mesh.start(five, { waitForMoreMs: 1_000 });
    await mesh.run();
    await mesh.vote(proposal, all(five, "for"));
    await mesh.waitForTally(proposal.id, all(five, "for"));
    for (const { method } of await mesh.settlements(proposal.id)) expect(method).toBe("castVotesByAggregate");
  });

  it("is missing where the node has only the new one, so it votes directly", async () => {
    const { mesh, proposal, next } = await rotated();
    await mesh.start([0, 2, 3, 4], { waitForMoreMs: 1_000 });
    await mesh.start([1], { waitForMoreMs: 1_000, blsSecret: next });
    await mesh.run();
    await mesh.vote(proposal, all(five, "for"));
    await mesh.waitForTally(proposal.id, all(five, "for"));
    expect(await mesh.settlements(proposal.id)).toContainEqual({ by: 1, method: "castVoteWithReason" });
    // Nobody was sent a ballot that is not good.
    for (const index of five) expect(mesh.node(index).exchange.counts.badSignatures).toBe(0);
  });
});

describe("a chain without EIP-2537", () => {
  it("takes the same ballots by batches of operators' signatures", async () => {
    const mesh = await createBallotMesh({ nodes: 7, tracks: slowTracks(), hardfork: "cancun" });
    await mesh.start(seven);
    const proposal = await mesh.propose();
    await mesh.updateMembers();
    const ballots = { ...all([0, 2, 4], "for"), ...all([1, 5], "against"), ...all([3, 6], "abstain") };
    await mesh.vote(proposal, ballots);
    await mesh.waitForBallots(proposal.id, 7);
    await mesh.run();
    await mesh.waitForTally(proposal.id, ballots);
    expect(await mesh.settlements(proposal.id)).toMatchObject([{ method: "castVotesBySig" }]);
  });
});

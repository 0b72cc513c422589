import { describe, expect, it } from "vitest";
import type { Hex } from "../../../src/records/index.js";
import { admissionOf, blsKey, operatorKey } from "../../harness/deploy.js";
import { all, createElectorate, NEVER_MS, patience, unhurried } from "./electorate.js";

const three = [0, 1, 2];
const five = [0, 1, 2, 3, 4];
const seven = [0, 1, 2, 3, 4, 5, 6];

describe("nodes that exchange ballots", () => {
  it("settle all of them in one transaction, which says exactly who voted what", async () => {
    const world = await createElectorate({ nodes: 7, tracks: unhurried() });
    await world.seat(seven);
    const proposal = await world.open();
    await world.meet();
    const ballots = { ...all([0, 2, 4], "for"), ...all([1, 5], "against"), ...all([3, 6], "abstain") };
    await world.vote(proposal, ballots);
    await world.heard(proposal.id, 7);
    await world.run();
    await world.settles(proposal.id, ballots);
    expect(await world.brought(proposal.id)).toMatchObject([{ method: "castVotesByAggregate" }]);
    expect(world.logs.filter(({ message }) => message === "settled ballots")).toMatchObject([
      { why: "decided", ballots: 7 },
    ]);
  });

  it("decide at once where a vote can end early, and drop what came too late", async () => {
    const world = await createElectorate({ nodes: 5 });
    await world.seat(five);
    await world.run();
    const proposal = await world.open();
    await world.vote(proposal, all([0, 1, 2, 3], "for"));
    await expect
      .poll(async () => (await world.setting.client().getProposal({ proposalId: proposal.id })).state, patience)
      .toBe("Succeeded");
    await world.heard(proposal.id, 0);
    await world.vote(proposal, { 4: "for" });
    await world.heard(proposal.id, 0);
    expect(await world.counted(proposal.id)).toEqual(all([0, 1, 2, 3], "for"));
    expect(await world.brought(proposal.id)).toHaveLength(1);
  });

  it("show what they know of a vote before the chain does", async () => {
    const world = await createElectorate({ nodes: 5, tracks: unhurried() });
    await world.seat(five);
    await world.run();
    const proposal = await world.open();
    await world.vote(proposal, { 1: "for", 2: "abstain" });
    await world.heard(proposal.id, 2);
    expect(world.seatOf(2).exchange.view(proposal.id)).toEqual({
      known: expect.arrayContaining([
        { index: 1, support: "for" },
        { index: 2, support: "abstain" },
      ]),
      equivocations: [],
    });
    const needs = (index: number) => world.seatOf(index).exchange.needs(proposal, world.operatorOf(index));
    expect([await needs(2), await needs(3)]).toEqual([false, true]);
    expect(await world.transactions(proposal.id)).toEqual([]);
  });
});

describe("ballots that decide nothing", () => {
  it("wait for stragglers, and are settled together then", async () => {
    const world = await createElectorate({ nodes: 5, tracks: unhurried() });
    await world.seat(five, { stragglersMs: NEVER_MS / 2 });
    await world.run();
    const proposal = await world.open();
    await world.vote(proposal, { 1: "for", 3: "abstain" });
    await world.heard(proposal.id, 2);
    expect(await world.transactions(proposal.id)).toEqual([]);
    world.pass(NEVER_MS / 2);
    await world.settles(proposal.id, { 1: "for", 3: "abstain" });
    expect(await world.brought(proposal.id)).toMatchObject([{ method: "castVotesByAggregate" }]);
  });

  it("are settled together as the vote's end nears", async () => {
    const world = await createElectorate({ nodes: 5, tracks: unhurried() });
    await world.seat(five);
    await world.run();
    const proposal = await world.open();
    await world.vote(proposal, { 1: "for", 3: "abstain" });
    await world.heard(proposal.id, 2);
    const { chain } = world.setting.client();
    // Ten minutes are the margin, in the last five of which nodes vote directly.
    await world.setting.witan.increaseTime(proposal.deadline - (await chain.now()) - 590);
    await world.settles(proposal.id, { 1: "for", 3: "abstain" });
    expect(await world.brought(proposal.id)).toMatchObject([{ method: "castVotesByAggregate" }]);
    expect(world.logs).toContainEqual(expect.objectContaining({ message: "settled ballots", why: "deadline" }));
  });
});

describe("a node that hears nobody", () => {
  it("votes directly, with its reason, and the others settle without it", async () => {
    const world = await createElectorate({ nodes: 5, tracks: unhurried() });
    await world.seat(five);
    await world.run();
    const proposal = await world.open();
    world.hub.cutOff("node 4");
    // The others are at odds, so they wait for what it says.
    const ballots = { 0: "for", 1: "against", 2: "for", 3: "against", 4: "for" } as const;
    await world.vote(proposal, ballots);
    await world.heard(proposal.id, 4, 0, 1, 2, 3);
    world.pass(5_000);
    await world.settles(proposal.id, ballots);
    expect(await world.brought(proposal.id)).toContainEqual({ by: 4, method: "castVoteWithReason" });
    const cast = await world.setting.client().chain.events({ names: ["VoteCast"] });
    expect(cast.map(({ args }) => args.reason)).toEqual(["node 4 says for"]);
  });
});

describe("nodes for whom nobody settles", () => {
  it("vote directly before the vote ends, each for itself", async () => {
    const world = await createElectorate({ nodes: 5, tracks: unhurried() });
    await world.seat(five, { client: { castVotes: () => Promise.reject(new Error("no aggregator works")) } });
    await world.run();
    const proposal = await world.open();
    const ballots = { ...all([0, 2, 4], "for"), 1: "against" } as const;
    await world.vote(proposal, ballots);
    await world.heard(proposal.id, 4);
    const { chain } = world.setting.client();
    await world.setting.witan.increaseTime(proposal.deadline - (await chain.now()) - 290);
    await world.settles(proposal.id, ballots);
    const sent = await world.brought(proposal.id);
    expect(sent.map(({ by }) => by).sort()).toEqual([0, 1, 2, 4]);
    expect(new Set(sent.map(({ method }) => method))).toEqual(new Set(["castVoteWithReason"]));
  });
});

describe("ballots on a proposal that nobody opens", () => {
  it("are forgotten after ten minutes", async () => {
    const world = await createElectorate({ nodes: 5, tracks: unhurried() });
    await world.seat(five);
    await world.run();
    await world.say(0, await world.sign("42", 3, "for"));
    await world.heard("42", 1, 1, 2, 3, 4);
    const look = () => Promise.all(five.map((index) => world.seatOf(index).look()));
    await look();
    world.pass(599_000);
    await look();
    await world.heard("42", 1, 1, 2, 3, 4);
    world.pass(1_000);
    await world.heard("42", 0);
    await world.say(0, await world.sign("42", 3, "for"));
    await expect.poll(() => world.seatOf(1).exchange.counts.notNow, patience).toBe(1);
  });
});

describe("a node that starts again", () => {
  it("settles what it had, its own ballot and those of others", async () => {
    const world = await createElectorate({ nodes: 5, tracks: unhurried() });
    await world.seat(five);
    await world.run();
    const proposal = await world.open();
    const ballots = { 0: "for", 1: "against", 2: "abstain" } as const;
    await world.vote(proposal, ballots);
    await world.heard(proposal.id, 3);
    await world.stop(...five);
    expect(await world.transactions(proposal.id)).toEqual([]);

    await world.seat([3], { stragglersMs: 0 });
    await world.run();
    await world.settles(proposal.id, ballots);
    expect(await world.brought(proposal.id)).toMatchObject([{ by: 3 }]);
  });

  it("sends its ballot again, and only once to the chain", async () => {
    const world = await createElectorate({ nodes: 3, tracks: unhurried() });
    await world.seat(three);
    await world.run();
    const proposal = await world.open();
    await world.vote(proposal, { 0: "for" });
    await world.heard(proposal.id, 1);
    await world.stop(0);
    await world.seat([0]);
    await world.run(0);
    await world.heard(proposal.id, 1, 0);
    await world.vote(proposal, all(three, "for"));
    await world.heard(proposal.id, 3);
    world.pass(NEVER_MS);
    await world.settles(proposal.id, all(three, "for"));
    const methods = (await world.transactions(proposal.id)).map(({ method }) => method);
    expect(new Set(methods)).toEqual(new Set(["castVotesByAggregate"]));
  });
});

describe("a key that was rotated after a vote was opened", () => {
  async function rotated() {
    const world = await createElectorate({ nodes: 5, tracks: unhurried() });
    const { setting } = world;
    const proposal = await world.open();
    const next = blsKey("rotated");
    const rotation = admissionOf(setting.witan.operators[1] ?? operatorKey(1), next) as { key: Hex; possession: Hex };
    const opened = await setting.client().openProposal({ order: { kind: "RotateKey", index: 1 }, rotation });
    await setting.carryOut(opened.proposalId);
    expect((await setting.client().listNodes()).map(({ index }) => index)).toEqual([0, 2, 3, 4, 5]);
    return { world, proposal, next };
  }

  it("still signs what counts in its epoch", async () => {
    const { world, proposal } = await rotated();
    await world.seat(five, { stragglersMs: 1_000 });
    await world.run();
    await world.vote(proposal, all(five, "for"));
    await world.settles(proposal.id, all(five, "for"));
    for (const { method } of await world.brought(proposal.id)) expect(method).toBe("castVotesByAggregate");
  });

  it("is missing where the node has only the new one, so it votes directly", async () => {
    const { world, proposal, next } = await rotated();
    await world.seat([0, 2, 3, 4], { stragglersMs: 1_000 });
    await world.seat([1], { stragglersMs: 1_000, blsSecret: next });
    await world.run();
    await world.vote(proposal, all(five, "for"));
    await world.settles(proposal.id, all(five, "for"));
    expect(await world.brought(proposal.id)).toContainEqual({ by: 1, method: "castVoteWithReason" });
    // Nobody was sent a ballot that is not good.
    for (const index of five) expect(world.seatOf(index).exchange.counts.badSignatures).toBe(0);
  });
});

describe("a chain without EIP-2537", () => {
  it("takes the same ballots by batches of operators' signatures", async () => {
    const world = await createElectorate({ nodes: 7, tracks: unhurried(), hardfork: "cancun" });
    await world.seat(seven);
    const proposal = await world.open();
    await world.meet();
    const ballots = { ...all([0, 2, 4], "for"), ...all([1, 5], "against"), ...all([3, 6], "abstain") };
    await world.vote(proposal, ballots);
    await world.heard(proposal.id, 7);
    await world.run();
    await world.settles(proposal.id, ballots);
    expect(await world.brought(proposal.id)).toMatchObject([{ method: "castVotesBySig" }]);
  });
});

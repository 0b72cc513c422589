import { describe, expect, it } from "vitest";
import { equivocationIncident } from "../../../src/agent/ballots/equivocationIncident.js";
import { encodeRecord, type Incident } from "../../../src/records/index.js";
import { all, createElectorate, NEVER_MS, patience, unhurried } from "./electorate.js";
import { altered } from "./roll.js";

const honest = [0, 1, 2, 3, 4];
const names = (indices: readonly number[]) => indices.map((index) => `node ${index}`);

/** Five honest nodes that look at a vote, and a sixth that has a place in the mesh and says what it likes. */
async function withLiar() {
  const world = await createElectorate({ nodes: 6, tracks: unhurried() });
  await world.seat(honest);
  await world.run();
  const proposal = await world.open();
  await Promise.all(honest.map((index) => world.seatOf(index).look()));
  const incidents = () => honest.map((index) => world.seatOf(index).exchange.incidents());
  return { world, proposal, incidents };
}

describe("a node that says For to some and Against to others", () => {
  it("is found out by all of them, who write down the same, and counts once", async () => {
    const { world, proposal, incidents } = await withLiar();
    const [inFavour, against] = [await world.sign(proposal.id, 5, "for"), await world.sign(proposal.id, 5, "against")];
    const [left, right] = [names([0, 1]), names([2, 3, 4])];
    world.hub.split(left, [...right, "node 5"]);
    await world.say(5, inFavour);
    await world.heard(proposal.id, 1, 2, 3, 4);
    world.hub.split([...left, "node 5"], right);
    await world.say(5, against);
    await world.heard(proposal.id, 1);
    expect(incidents().flat()).toEqual([]);

    world.hub.heal();
    await world.say(5, inFavour, against);
    await expect.poll(() => incidents().map(({ length }) => length), patience).toEqual([1, 1, 1, 1, 1]);
    const records = incidents().map(([incident]) => encodeRecord("Incident", incident as Incident).contentId);
    expect(new Set(records).size).toBe(1);
    expect(incidents()[0]).toMatchObject([
      { kind: "equivocation", subject: "node/5", observed: { operator: world.operatorOf(5), proposal: proposal.id } },
    ]);
    expect(world.seatOf(3).exchange.view(proposal.id).equivocations).toEqual([5]);

    await world.vote(proposal, all(honest, "for"));
    await world.heard(proposal.id, 6);
    world.pass(NEVER_MS);
    await expect.poll(async () => Object.keys(await world.counted(proposal.id)), patience).toHaveLength(6);
    expect(await world.counted(proposal.id)).toMatchObject(all(honest, "for"));
  });

  it("gives one incident, on however many proposals it does so", async () => {
    const { world, proposal, incidents } = await withLiar();
    const say = async (proposalId: string) =>
      world.say(5, await world.sign(proposalId, 5, "for"), await world.sign(proposalId, 5, "abstain"));
    await say(proposal.id);
    await expect.poll(() => incidents().map(({ length }) => length), patience).toEqual([1, 1, 1, 1, 1]);
    const before = incidents();
    for (let unknown = 1; unknown <= 4; unknown++) await say(`${unknown}`);
    const found = () => honest.map((index) => world.seatOf(index).exchange.counts.equivocations);
    await expect.poll(found, patience).toEqual([5, 5, 5, 5, 5]);
    expect(incidents()).toEqual(before);
  });

  it("is remembered by who starts again, as long as the vote lasts", async () => {
    const { world, proposal, incidents } = await withLiar();
    await world.say(5, await world.sign(proposal.id, 5, "for"), await world.sign(proposal.id, 5, "against"));
    await expect.poll(() => incidents().map(({ length }) => length), patience).toEqual([1, 1, 1, 1, 1]);
    const [before] = incidents();
    await world.stop(...honest);
    await world.seat([0]);
    await world.run();
    expect(world.seatOf(0).exchange.incidents()).toEqual(before);
  });

  it("is no concern once it is no member any more", async () => {
    const { world, proposal, incidents } = await withLiar();
    await world.say(5, await world.sign(proposal.id, 5, "for"), await world.sign(proposal.id, 5, "against"));
    await expect.poll(() => incidents().map(({ length }) => length), patience).toEqual([1, 1, 1, 1, 1]);
    const { setting } = world;
    const ban = { kind: "Ban", indices: [5], reason: "signed two different ballots" } as const;
    await setting.carryOut((await setting.client().openProposal({ order: ban })).proposalId);
    await expect.poll(() => incidents().flat(), patience).toEqual([]);
  });
});

describe("a node that hears of a ballot that its own key has signed, such as where its journal is lost", () => {
  it("stands by it, whatever it decides now, and says so", async () => {
    const world = await createElectorate({ nodes: 3, tracks: unhurried() });
    await world.seat([0, 1, 2]);
    await world.run();
    const proposal = await world.open();
    const { exchange } = world.seatOf(2);
    world.hub.cutOff("node 1");
    await world.say(5, await world.sign(proposal.id, 2, "against"));
    await world.heard(proposal.id, 1, 0, 2);

    world.hub.heal();
    await world.vote(proposal, { 2: "for" });
    await world.heard(proposal.id, 1);
    expect(world.logs.filter(({ level }) => level === "error")).toEqual([
      expect.objectContaining({ node: 2, index: 2, proposalId: proposal.id, signed: "against" }),
    ]);
    expect(await exchange.needs(proposal, world.operatorOf(2))).toBe(false);
    world.pass(NEVER_MS);
    await world.settles(proposal.id, { 2: "against" });
    // Nobody has a second one of it to show.
    for (const index of [0, 1, 2]) expect(world.seatOf(index).exchange.counts.equivocations).toBe(0);
  });
});

describe("an incident that accuses a node", () => {
  it("is proven by two ballots that the node signed, by nothing else", async () => {
    const world = await createElectorate({ nodes: 6, tracks: unhurried() });
    await world.seat([0]);
    const proposal = await world.open();
    await world.run();
    const nodes = await world.setting.client().listNodes();
    const node = (index: number) => nodes[index] ?? Promise.reject(new Error(`there is no node ${index}`));
    const sign = (...args: readonly [index: number, support: "for" | "against" | "abstain", by?: number]) =>
      world.sign(proposal.id, args[0], args[1], world.setting.witan.blsKeys[args[2] ?? args[0]]);
    const proves = async (first: Awaited<ReturnType<typeof sign>>, second: typeof first, named = 5) =>
      world.seatOf(0).exchange.proves(equivocationIncident({ first, second }, await node(named)));
    const [inFavour, against, abstain] = [await sign(5, "for"), await sign(5, "against"), await sign(5, "abstain")];

    expect(await proves(inFavour, against)).toBe(true);
    expect(await proves(against, inFavour)).toBe(true);
    expect(await proves(abstain, inFavour)).toBe(true);

    expect(await proves(inFavour, inFavour)).toBe(false);
    expect(await proves(inFavour, altered(against))).toBe(false);
    expect(await proves(inFavour, await sign(5, "against", 4))).toBe(false);
    expect(await proves(await sign(5, "for", 4), await sign(5, "against", 4))).toBe(false);
    expect(await proves(inFavour, { ...inFavour, support: "against" })).toBe(false);
    expect(await proves(inFavour, against, 4)).toBe(false);
    const incident = equivocationIncident({ first: inFavour, second: against }, await node(5));
    expect(await world.seatOf(0).exchange.proves({ ...incident, observed: {} })).toBe(false);
    const stranger = (ballot: typeof inFavour) => ({ ...ballot, index: 6 });
    const ofStranger = equivocationIncident(
      { first: stranger(inFavour), second: stranger(against) },
      { ...(await node(5)), index: 6 },
    );
    expect(await world.seatOf(0).exchange.proves(ofStranger)).toBe(false);
  });
});

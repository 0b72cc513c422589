import { describe, expect, it } from "vitest";
import { equivocationIncident } from "../../../src/agent/ballots/equivocationIncident.js";
import { encodeRecord, type Incident, type Order } from "../../../src/records/index.js";
import { all } from "../../harness/mesh.js";
import { NEVER_MS, patience } from "../../harness/patience.js";
import { createBallotMesh, slowTracks } from "./ballotMesh.js";
import { altered } from "./signedBallots.js";

const honest = [0, 1, 2, 3, 4];

/** Five honest nodes that have read a proposal, and a sixth that publishes what it likes. */
async function withLiar() {
  const mesh = await createBallotMesh({ nodes: 6, tracks: slowTracks() });
  await mesh.start(honest);
  await mesh.run();
  const proposal = await mesh.propose();
  await mesh.update();
  const incidents = () => honest.map((index) => mesh.node(index).exchange.incidents());
  return { mesh, proposal, incidents };
}

describe("a node that says For to some and Against to others", () => {
  it("is found out by all of them, who write down the same, and counts once", async () => {
    const { mesh, proposal, incidents } = await withLiar();
    const [inFavour, against] = [await mesh.sign(proposal.id, 5, "for"), await mesh.sign(proposal.id, 5, "against")];
    const [left, right] = [
      [0, 1],
      [2, 3, 4],
    ] as const;
    mesh.split(left, [...right, 5]);
    await mesh.publish(5, inFavour);
    await mesh.waitForBallots(proposal.id, 1, 2, 3, 4);
    mesh.split([...left, 5], right);
    await mesh.publish(5, against);
    await mesh.waitForBallots(proposal.id, 1);
    expect(incidents().flat()).toEqual([]);

    mesh.heal();
    await mesh.publish(5, inFavour, against);
    await expect.poll(() => incidents().map(({ length }) => length), patience).toEqual([1, 1, 1, 1, 1]);
    const records = incidents().map(([incident]) => encodeRecord("Incident", incident as Incident).contentId);
    expect(new Set(records).size).toBe(1);
    expect(incidents()[0]).toMatchObject([
      { kind: "equivocation", subject: "node/5", observed: { operator: mesh.accountOf(5), proposal: proposal.id } },
    ]);
    expect(mesh.node(3).exchange.view(proposal.id).equivocations).toEqual([5]);

    await mesh.vote(proposal, all(honest, "for"));
    await mesh.waitForBallots(proposal.id, 6);
    mesh.clock.pass(NEVER_MS);
    await expect.poll(async () => Object.keys(await mesh.counted(proposal.id)), patience).toHaveLength(6);
    expect(await mesh.counted(proposal.id)).toMatchObject(all(honest, "for"));
  });

  it("gives one incident, on however many proposals it does so", async () => {
    const { mesh, proposal, incidents } = await withLiar();
    const equivocate = async (proposalId: string) =>
      mesh.publish(5, await mesh.sign(proposalId, 5, "for"), await mesh.sign(proposalId, 5, "abstain"));
    await equivocate(proposal.id);
    await expect.poll(() => incidents().map(({ length }) => length), patience).toEqual([1, 1, 1, 1, 1]);
    const before = incidents();
    for (let unknown = 1; unknown <= 4; unknown++) await equivocate(`${unknown}`);
    const found = () => honest.map((index) => mesh.node(index).exchange.counts.equivocations);
    await expect.poll(found, patience).toEqual([5, 5, 5, 5, 5]);
    expect(incidents()).toEqual(before);
  });

  it("is remembered by who starts again, as long as the vote lasts", async () => {
    const { mesh, proposal, incidents } = await withLiar();
    await mesh.publish(5, await mesh.sign(proposal.id, 5, "for"), await mesh.sign(proposal.id, 5, "against"));
    await expect.poll(() => incidents().map(({ length }) => length), patience).toEqual([1, 1, 1, 1, 1]);
    const [before] = incidents();
    await mesh.stop(...honest);
    await mesh.start([0]);
    await mesh.run();
    expect(mesh.node(0).exchange.incidents()).toEqual(before);
  });

  it("is no concern once it is no member any more", async () => {
    const { mesh, proposal, incidents } = await withLiar();
    await mesh.publish(5, await mesh.sign(proposal.id, 5, "for"), await mesh.sign(proposal.id, 5, "against"));
    await expect.poll(() => incidents().map(({ length }) => length), patience).toEqual([1, 1, 1, 1, 1]);
    const { dao } = mesh;
    const ban: Order = { kind: "Ban", operators: [mesh.accountOf(5)], reason: "signed two different ballots" };
    await dao.carryOut((await dao.client().openProposal({ order: ban })).proposalId);
    await expect.poll(() => incidents().flat(), patience).toEqual([]);
  });
});

describe("a node that hears of a ballot that its own key has signed, such as where its journal is lost", () => {
  it("stands by it, whatever it decides now, and says so", async () => {
    const mesh = await createBallotMesh({ nodes: 3, tracks: slowTracks() });
    await mesh.start([0, 1, 2]);
    await mesh.run();
    const proposal = await mesh.propose();
    const { exchange } = mesh.node(2);
    mesh.cutOff(1);
    await mesh.publish(5, await mesh.sign(proposal.id, 2, "against"));
    await mesh.waitForBallots(proposal.id, 1, 0, 2);

    mesh.heal();
    await mesh.vote(proposal, { 2: "for" });
    await mesh.waitForBallots(proposal.id, 1);
    expect(mesh.logs.filter(({ level }) => level === "error")).toEqual([
      expect.objectContaining({ node: 2, index: 2, proposalId: proposal.id, signed: "against" }),
    ]);
    expect(await exchange.needs(proposal, mesh.accountOf(2))).toBe(false);
    mesh.clock.pass(NEVER_MS);
    await mesh.waitForTally(proposal.id, { 2: "against" });
    // Nobody has a second one of it to show.
    for (const index of [0, 1, 2]) expect(mesh.node(index).exchange.counts.equivocations).toBe(0);
  });
});

describe("an incident that accuses a node", () => {
  it("is proven by two ballots that the node signed, by nothing else", async () => {
    const mesh = await createBallotMesh({ nodes: 6, tracks: slowTracks() });
    await mesh.start([0]);
    const proposal = await mesh.propose();
    await mesh.run();
    const nodes = await mesh.dao.client().listNodes();
    const node = (index: number) => nodes[index] ?? Promise.reject(new Error(`there is no node ${index}`));
    const sign = (...args: readonly [index: number, support: "for" | "against" | "abstain", by?: number]) =>
      mesh.sign(proposal.id, args[0], args[1], mesh.dao.witan.blsKeys[args[2] ?? args[0]]);
    const proves = async (first: Awaited<ReturnType<typeof sign>>, second: typeof first, named = 5) =>
      mesh.node(0).exchange.proves(equivocationIncident({ first, second }, await node(named)));
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
    expect(await mesh.node(0).exchange.proves({ ...incident, observed: {} })).toBe(false);
    const stranger = (ballot: typeof inFavour) => ({ ...ballot, index: 6 });
    const ofStranger = equivocationIncident(
      { first: stranger(inFavour), second: stranger(against) },
      { ...(await node(5)), index: 6 },
    );
    expect(await mesh.node(0).exchange.proves(ofStranger)).toBe(false);
  });
});

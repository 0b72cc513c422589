import { describe, expect, it } from "vitest";
import { type Address, type Order, Tracks } from "../../../src/records/index.js";
import { useGuardedDao } from "../../harness/client/daos.js";
import { AGENT_PERIOD } from "../../harness/client/directives.js";
import { failureOf, restartOrder } from "../../harness/dao.js";
import { admissionOf, blsKey, operatorKey, shortTracks } from "../../harness/deploy.js";
import { consentsOf, hash, newcomer, orders, proposalOf, successor } from "../../harness/orders.js";

const dao = useGuardedDao();

describe("executeProposal", () => {
  it("executes once, though every node tries, what passed by the fast path", async () => {
    const { proposalId, directiveId } = await dao.client(0).openProposal(proposalOf(dao, restartOrder));
    await dao.witan.increaseTime(1);
    for (const index of [0, 1])
      await dao.client(index).castVote({ proposalId, support: "for", reason: `node ${index}` });
    expect(await dao.client().getProposal({ proposalId })).toMatchObject({ state: "Active", votes: { for: 2 } });
    await dao.client(2).castVote({ proposalId, support: "for" });
    expect(await dao.client().getProposal({ proposalId })).toMatchObject({ state: "Succeeded", votes: { for: 3 } });
    expect(await failureOf(dao.client(4).castVote({ proposalId, support: "for" }))).toMatchObject({
      errorName: "GovernorUnexpectedProposalState",
    });

    const queued = await Promise.all(dao.clients.map((client) => client.queueProposal({ proposalId })));
    expect(queued.filter(({ receipt }) => receipt !== null)).toHaveLength(1);
    expect(new Set(queued.map(({ eta }) => eta)).size).toBe(1);
    await dao.witan.increaseTime(1);
    const executed = await Promise.all(dao.clients.map((client) => client.executeProposal({ proposalId })));
    expect(executed.filter(({ receipt }) => receipt !== null)).toHaveLength(1);
    expect(new Set(executed.map((one) => one.directiveId))).toEqual(new Set([directiveId]));
    expect((await dao.client().getProposal({ proposalId })).state).toBe("Executed");
    expect((await dao.client(2).queueProposal({ proposalId })).receipt).toBeNull();

    const ballots = await dao.client(4).listBallots({ proposalId });
    expect(ballots.map(({ voter, support, reason }) => [voter, support, reason])).toEqual([
      [dao.client(0).account, "for", "node 0"],
      [dao.client(1).account, "for", "node 1"],
      [dao.client(2).account, "for", ""],
    ]);
  });

  it("has the effect on chain of every kind that has one", async () => {
    const client = dao.client();
    const { nodes, parameters, governor } = client.chain.contracts;
    // A seat whose operator is its own agent cannot go to another operator.
    await dao.witan.increaseTime(AGENT_PERIOD);
    const agent = operatorKey("agent of 3").address as Address;
    const { chainId, contracts } = dao.witan.deployment;
    const context = { chainId, registry: contracts.NodeRegistry };
    const nonceOf = async () => (await client.getSeat({ operator: operatorKey(3).address as Address })).nonce;
    const admission = admissionOf(context, operatorKey(3), blsKey("agent of 3"), { agent, nonce: await nonceOf() });
    await client.setAgent({ admission });
    const nonce = await nonceOf();
    for (const order of orders) {
      const consents = order.kind === "ChangeOperator" ? { consents: consentsOf(dao, order, nonce) } : {};
      const { proposalId } = await client.openProposal({ ...proposalOf(dao, order), ...consents });
      await dao.carryOut(proposalId);
    }
    expect(await client.getModel({ name: "mnist" })).toMatchObject({
      model: hash("model"),
      parent: null,
      round: 3,
      version: 1,
    });
    expect(await client.listModels({ name: "mnist" })).toMatchObject([
      { model: hash("model"), version: 1, name: "mnist" },
    ]);
    expect(await client.getModel({ name: "mnist", version: 1 })).toMatchObject({ version: 1 });
    expect(await client.getModel({ name: "unheard of" })).toBeNull();
    expect(await failureOf(client.getModel({ name: "mnist", version: 2 }))).toMatchObject({
      errorName: "ModelRegistryUnknownVersion",
    });
    expect(await parameters.flag("0x6c6561726e696e672e656e61626c656400000000000000000000000000000000")).toBe(true);
    expect((await governor.trackRules(Tracks.indexOf("operations"))).votingPeriod).toBe(1_200n);
    expect(await nodes.isMember(newcomer.address, await nodes.epoch())).toBe(true);

    const active = await client.listNodes();
    expect(active.map(({ operator }) => operator)).toContain(newcomer.address);
    const all = await client.listNodes({ includeRemoved: true });
    expect(all.find(({ index }) => index === 4)).toMatchObject({ active: false });
    expect(all.find(({ operator }) => operator === successor.address)).toMatchObject({
      ...{ formerOperators: [operatorKey(3).address], agent, predecessor: 3, active: true },
    });
  });

  it("tells why an execution fails", async () => {
    const order: Order = {
      kind: "AcceptModel",
      name: "mnist",
      model: hash("m"),
      parent: hash("unknown"),
      round: 1,
      accuracy: 0.5,
    };
    const { proposalId } = await dao.client().openProposal(proposalOf(dao, order));
    await dao.pass(proposalId);
    await dao.client().queueProposal({ proposalId });
    await dao.witan.increaseTime(shortTracks.operations.timelock);
    expect(await failureOf(dao.client().executeProposal({ proposalId }))).toMatchObject({
      errorName: "ModelRegistryStaleParent",
      contract: "ModelRegistry",
      args: { parent: hash("unknown") },
    });
  });
});

import { describe, expect, it } from "vitest";
import type { Address, Order } from "../../../src/records/index.js";
import { operatorKey } from "../../harness/deploy.js";
import { downIncident } from "../../harness/listedFleet.js";
import { createVotingNode } from "./votingNode.js";

const setFlag: Order = { kind: "SetFlag", name: "learning", value: true };
const ban: Order = { kind: "Ban", operators: [operatorKey(2).address as Address], reason: "it lies" };
const restart: Order = { kind: "Restart", replica: "web/3", instance: "web-3/1" };

describe("an agent whose operator has set a grace time", () => {
  it("signs only after it, and then as it finds itself", async () => {
    const { decide, hasVoted, mesh, propose } = await createVotingNode({ policy: { grace: { SetFlag: 60 } } });
    const proposal = await propose(setFlag);
    for (let times = 0; times < 3; times++) expect(await decide(proposal)).toBeUndefined();
    expect(await hasVoted(proposal)).toBe(false);
    await mesh.dao.witan.increaseTime(61);
    expect(await decide(proposal)).toMatchObject({ support: "for" });
  });

  it("signs nothing where its operator has voted by wallet in the meantime", async () => {
    const { client, decide, mesh, propose } = await createVotingNode({ policy: { grace: { SetFlag: 60 } } });
    const proposal = await propose(setFlag);
    expect(await decide(proposal)).toBeUndefined();
    await client.castVote({ proposalId: proposal.id, support: "against" });
    await mesh.dao.witan.increaseTime(61);
    expect(await decide(proposal)).toBeUndefined();
    expect((await client.getProposal({ proposalId: proposal.id })).votes).toMatchObject({ for: 0, against: 1 });
  });
});

describe("an instruction of the operator", () => {
  it("is followed at once, and what is signed stands", async () => {
    const { decide, instructions, propose } = await createVotingNode({ policy: { grace: { SetFlag: 60 } } });
    const proposal = await propose(setFlag);
    expect(await decide(proposal)).toBeUndefined();
    await instructions.write(proposal.id, "against");
    const signed = { support: "against", reason: "as its operator has said" };
    expect(await decide(proposal)).toMatchObject(signed);
    await instructions.write(proposal.id, "for");
    expect(await decide(proposal)).toMatchObject(signed);
  });

  it("to do nothing keeps the agent from its own ballot", async () => {
    const { decide, hasVoted, instructions, propose } = await createVotingNode();
    const proposal = await propose(setFlag);
    await instructions.write(proposal.id, "nothing");
    expect(await decide(proposal)).toBeUndefined();
    expect(await hasVoted(proposal)).toBe(false);
  });

  it("decides where policy leaves a proposal to people, also after it did", async () => {
    const { decide, instructions, propose } = await createVotingNode();
    const proposal = await propose(ban);
    expect(await decide(proposal)).toBeUndefined();
    await instructions.write(proposal.id, "for");
    expect(await decide(proposal)).toMatchObject({ support: "for" });
  });

  it("never makes the agent say No to a claim of fact: of that one says For or nothing", async () => {
    const { anchor, decide, instructions, propose } = await createVotingNode();
    const { contentId } = await anchor({ kind: "Incident", value: downIncident("web/3", "web-3/1") });
    const proposal = await propose(restart, contentId);
    await instructions.write(proposal.id, "against");
    expect(await decide(proposal)).toBeUndefined();
  });
});

import { beforeEach, describe, expect, it } from "vitest";
import { NO_DEADLINE, signOperatorConsent } from "../../../../src/ports/chain/index.js";
import type { Address } from "../../../../src/records/index.js";
import { accountOf, CHAIN_ID } from "../../../harness/contracts/consents.js";
import { contracts, restart, useFreshGovernance, voterOf } from "../../../harness/contracts/currentGovernance.js";
import { DEFAULT_TRACKS, ethers, networkHelpers, rules, Track } from "../../../harness/contracts/deployGovernance.js";
import { admissionOf } from "../../../harness/contracts/eip2537.js";
import { type Call, GovernanceHelper, issueCall, Kind, State } from "../../../harness/contracts/governanceHelper.js";
import { revertOf } from "../../../harness/contracts/reverts.js";

const ISSUED = 1n;

beforeEach(useFreshGovernance);

/** Decides a directive and its effect with all votes For, and checks that the directive was issued. */
async function order(kind: keyof typeof Kind, effect?: Call): Promise<void> {
  const evidence = [ethers.id("incident")];
  const issue = await issueCall(contracts, { kind: Kind[kind], evidence });
  const proposal = new GovernanceHelper(
    contracts.governor,
    effect ? [effect, issue] : [issue],
    `${kind}, because of an incident`,
  );
  await proposal.carryOut(contracts.operators[0], contracts.operators);

  expect(await proposal.state()).toBe(State.executed);
  const id = proposal.directiveId;
  const issued = await contracts.directives.issued(id);
  expect(issued.kind).toBe(BigInt(Kind[kind]));
  expect(issued.committeeSize).toBeGreaterThan(0n);
  expect(await contracts.directives.status(id)).toBe(ISSUED);
}

async function effectOn(target: { getAddress(): Promise<string> }, data: string): Promise<Call> {
  return { target: await target.getAddress(), data };
}

describe("A directive decided by vote", () => {
  it.each(["Deploy", "Scale", "Rollback", "Restart", "StartRound", "Experiment"] as const)(
    "%s is issued for the nodes to carry out",
    async (kind) => {
      await order(kind);
    },
  );

  it("AcceptModel makes the model the accepted one, each on its parent", async () => {
    const { models } = contracts;
    const name = ethers.encodeBytes32String("mnist");
    const [first, second] = [ethers.id("round 1"), ethers.id("round 2")];
    const accept = (model: string, parent: string, round: number) =>
      effectOn(models, models.interface.encodeFunctionData("accept", [name, model, parent, round]));

    await order("AcceptModel", await accept(first, ethers.ZeroHash, 1));
    expect((await models.accepted(name)).model).toBe(first);
    const proposal = new GovernanceHelper(contracts.governor, [await accept(second, first, 2)]);
    await proposal.carryOut(contracts.operators[0], contracts.operators);
    expect([...(await models.accepted(name))].slice(0, 4)).toEqual([second, first, 2n, 2n]);
  });

  it("Admit makes a node a voter of later proposals", async () => {
    const { nodes, governor, stranger } = contracts;
    await order(
      "Admit",
      await effectOn(
        nodes,
        nodes.interface.encodeFunctionData("admit", [[admissionOf(stranger.address, "a new key")]]),
      ),
    );
    expect(await nodes.epoch()).toBe(2n);
    const proposal = await restart();
    await proposal.propose(stranger);
    expect((await governor.proposalRules(proposal.id)).committeeSize).toBe(6n);
  });

  it("Ban removes a node from the committee of later proposals", async () => {
    const { nodes, operators } = contracts;
    await order("Ban", await effectOn(nodes, nodes.interface.encodeFunctionData("remove", [[voterOf(1).address]])));
    expect(await nodes.isMember(operators[1] as never, 2)).toBe(false);
    const proposal = await restart();
    await expect(proposal.propose(operators[1])).rejects.toThrow("GovernorInsufficientProposerVotes");
  });

  it("ChangeOperator gives a seat with its index to another operator, who votes on, and takes it from the old one", async () => {
    const { nodes, governor, stranger } = contracts;
    // The agent has an account of its own, which stays; the seat's old operator has no other part in it.
    await networkHelpers.time.increase(86_400);
    const agent = accountOf("an agent");
    const next = admissionOf(voterOf(2).address, "an agent's key", { agent, nonce: 1 });
    await nodes.setAgentBySig(next);
    const consent = {
      from: voterOf(2).address as Address,
      to: stranger.address as Address,
      nonce: Number((await nodes.seat(voterOf(2))).nonce),
      deadline: NO_DEADLINE,
    };
    const context = { chainId: CHAIN_ID, registry: (await nodes.getAddress()) as Address };
    const [from, to] = [
      await signOperatorConsent(voterOf(2), context, consent),
      await signOperatorConsent(stranger, context, consent),
    ];
    const change = nodes.interface.encodeFunctionData("changeOperator", [
      consent.from,
      consent.to,
      consent.deadline,
      from,
      to,
    ]);
    await order("ChangeOperator", await effectOn(nodes, change));
    expect([await nodes.indexOf(stranger, 3), await nodes.indexOf(agent, 3)]).toEqual([5n, 5n]);
    expect([await nodes.isMember(voterOf(2), 2), await nodes.isMember(voterOf(2), 3)]).toEqual([true, false]);

    const proposal = await (await restart()).open(stranger);
    await proposal.vote(stranger, 1);
    expect([await governor.hasIndexVoted(proposal.id, 5), await governor.hasIndexVoted(proposal.id, 2)]).toEqual([
      true,
      false,
    ]);
    await expect(proposal.vote(voterOf(2), 1)).rejects.toThrow("GovernorNotMember");
  });

  it("SetParameter and SetFlag change what nodes read", async () => {
    const { parameters } = contracts;
    const name = ethers.encodeBytes32String("learning.rounds");
    await order(
      "SetParameter",
      await effectOn(parameters, parameters.interface.encodeFunctionData("setParameter", [name, 7])),
    );
    await order(
      "SetFlag",
      await effectOn(parameters, parameters.interface.encodeFunctionData("setFlag", [name, true])),
    );
    expect([await parameters.parameter(name), await parameters.flag(name)]).toEqual([7n, true]);
  });

  it("SetTrack changes the rules of later proposals, and of no open one", async () => {
    const { governor, operators } = contracts;
    const open = new GovernanceHelper(governor, [await issueCall(contracts, { kind: Kind.Admit })], "open before");
    const wanted = rules({
      votingDelay: 5n,
      votingPeriod: 77n,
      quorum: 40_000n,
      approval: 48_000n,
      fastPath: true,
      timelock: 9n,
      expiry: 99n,
      openLimit: 1n,
    });
    const change = governor.interface.encodeFunctionData("setTrack", [Track.membership, wanted]);
    const slow = new GovernanceHelper(governor, [
      await effectOn(governor, change),
      await issueCall(contracts, { kind: Kind.SetTrack }),
    ]);
    await slow.pass(operators[0], operators);
    await slow.waitForEnd();
    await slow.queue();
    await open.propose(operators[0]);
    const before = await frozenOf(open);
    await slow.waitForEta();
    const receipt = await slow.execute();

    expect([...(await governor.trackRules(Track.membership))]).toEqual(Object.values(wanted));
    expect(await frozenOf(open)).toEqual(before);
    const set = receipt.logs.map((log) => governor.interface.parseLog(log)).find((event) => event?.name === "TrackSet");
    expect(set?.args.toArray(true)).toEqual([
      Track.membership,
      Object.values(DEFAULT_TRACKS[2]),
      Object.values(wanted),
    ]);

    await open.waitForStart();
    await open.voteAll(operators.slice(0, 3));
    await open.waitForEnd();
    // Three of five pass under the old rules alone.
    expect(await open.state()).toBe(State.succeeded);
    const later = new GovernanceHelper(governor, [await issueCall(contracts, { kind: Kind.Ban })], "opened after");
    await later.propose(operators[0]);
    expect((await governor.proposalRules(later.id)).neededFor).toBe(4n);
    expect((await governor.proposalDeadline(later.id)) - (await governor.proposalSnapshot(later.id))).toBe(77n);
  });
});

describe("A proposal that issues directives", () => {
  it("refuses a second directive in one proposal, and one that does not read", async () => {
    const call = await issueCall(contracts, { kind: Kind.Restart });
    const two = new GovernanceHelper(contracts.governor, [call, await issueCall(contracts, { kind: Kind.Deploy })]);
    const broken = new GovernanceHelper(contracts.governor, [{ ...call, data: call.data.slice(0, -2) }]);

    expect(await revertOf(two.propose(contracts.operators[0]))).toEqual(["GovernorInvalidDirective", 1n]);
    expect(await revertOf(broken.propose(contracts.operators[0]))).toEqual(["GovernorInvalidDirective", 0n]);
  });
});

async function frozenOf({ governor, id }: GovernanceHelper): Promise<unknown[]> {
  return [
    ...(await governor.proposalRules(id)),
    await governor.proposalSnapshot(id),
    await governor.proposalDeadline(id),
    await governor.proposalExpiry(id),
    await governor.proposalQuorum(id),
  ];
}

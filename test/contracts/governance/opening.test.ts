import { beforeEach, describe, expect, it } from "vitest";
import {
  DEFAULT_TRACKS,
  ethers,
  freshGovernance,
  type GovernanceContracts,
  networkHelpers,
  Track,
} from "../../harness/contracts/deployGovernance.js";
import {
  type Call,
  flagCall,
  GovernanceHelper,
  issueCall,
  Kind,
  revertOf,
  State,
} from "../../harness/contracts/governanceHelper.js";

let contracts: GovernanceContracts;
beforeEach(async () => {
  contracts = await freshGovernance();
});

async function restart(salt = "once", evidence: string[] = []): Promise<GovernanceHelper> {
  return new GovernanceHelper(contracts.governor, [
    await issueCall(contracts, { kind: Kind.Restart, salt: ethers.id(salt), evidence }),
  ]);
}

describe("Opening a proposal", () => {
  it("freezes track, rules, committee and times, and says so in two events", async () => {
    const evidence = [ethers.id("a"), ethers.id("b")].sort();
    const proposal = await restart("once", evidence);
    const receipt = await proposal.propose(contracts.operators[0]);

    const [created, opened] = receipt.logs.map((log) => contracts.governor.interface.parseLog(log));
    expect(created?.name).toBe("ProposalCreated");
    expect([opened?.name, ...(opened?.args.toArray(true) ?? [])]).toEqual([
      "ProposalOpened",
      proposal.id,
      Track.emergency,
      1n,
      5n,
      evidence,
    ]);
    expect(await contracts.governor.proposalRules(proposal.id)).toEqual([
      1n,
      5n,
      Track.emergency,
      3300n,
      5000n,
      6700n,
      0n,
      86_400n,
    ]);
    expect(await contracts.governor.proposalQuorum(proposal.id)).toBe(2n);
    expect(await contracts.governor.proposalProposer(proposal.id)).toBe(contracts.operators[0]?.address);
    expect(await proposal.state()).toBe(State.pending);
  });

  it.each([
    ["Deploy", Track.operations],
    ["Scale", Track.operations],
    ["Rollback", Track.emergency],
    ["Restart", Track.emergency],
    ["StartRound", Track.operations],
    ["AcceptModel", Track.operations],
    ["Admit", Track.membership],
    ["Ban", Track.membership],
    ["RotateKey", Track.membership],
    ["SetParameter", Track.constitution],
    ["SetFlag", Track.operations],
    ["SetTrack", Track.constitution],
    ["Experiment", Track.operations],
  ] as const)("decides %s on track %i", async (kind, track) => {
    const proposal = new GovernanceHelper(contracts.governor, [await issueCall(contracts, { kind: Kind[kind] })]);
    expect(await contracts.governor.trackOf(proposal.targets, proposal.calldatas)).toBe(track);
    await proposal.propose(contracts.operators[1]);

    const wanted = DEFAULT_TRACKS[Number(track)];
    const start = await contracts.governor.proposalSnapshot(proposal.id);
    expect(start - BigInt(await networkHelpers.time.latest())).toBe(wanted?.votingDelay);
    expect((await contracts.governor.proposalDeadline(proposal.id)) - start).toBe(wanted?.votingPeriod);
    const frozen = await contracts.governor.proposalRules(proposal.id);
    expect([frozen.quorum, frozen.approval, frozen.fastPath, frozen.timelock, frozen.expiry]).toEqual([
      wanted?.quorum,
      wanted?.approval,
      wanted?.fastPath,
      wanted?.timelock,
      wanted?.expiry,
    ]);
  });

  it("takes the most careful track of several calls", async () => {
    const { governor, nodes, timelock } = contracts;
    const quick = await issueCall(contracts, { kind: Kind.Restart });
    const flag = await flagCall(contracts);
    const ban = { target: await nodes.getAddress(), data: nodes.interface.encodeFunctionData("remove", [[1]]) };
    const genesis = { target: await nodes.getAddress(), data: nodes.interface.encodeFunctionData("closeGenesis") };
    const role = { target: await timelock.getAddress(), data: "0x" };
    const tracksOf = async (...calls: Call[]) =>
      governor.trackOf(
        calls.map((call) => call.target),
        calls.map((call) => call.data),
      );

    expect(await tracksOf(quick)).toBe(Track.emergency);
    expect(await tracksOf(flag, quick)).toBe(Track.operations);
    expect(await tracksOf(quick, ban, flag)).toBe(Track.membership);
    expect(await tracksOf(genesis)).toBe(Track.constitution);
    expect(await tracksOf(role, quick)).toBe(Track.constitution);
    expect(await tracksOf({ target: quick.target, data: "0x" })).toBe(Track.constitution);
  });

  it("is for members alone", async () => {
    const proposal = await restart();
    expect(await revertOf(proposal.propose(contracts.stranger))).toEqual([
      "GovernorInsufficientProposerVotes",
      contracts.stranger.address,
      0n,
      1n,
    ]);
  });

  it("opens one proposal for one observation, whoever comes first", async () => {
    await (await restart()).propose(contracts.operators[0]);
    const second = await restart();
    expect(await revertOf(second.propose(contracts.operators[1]))).toEqual([
      "GovernorUnexpectedProposalState",
      second.id,
      State.active,
      ethers.ZeroHash,
    ]);
  });

  it("refuses evidence that is out of order, repeated, zero or too much", async () => {
    const [low, high] = [ethers.toBeHex(1, 32), ethers.toBeHex(2, 32)];
    const many = Array.from({ length: 17 }, (_, i) => ethers.toBeHex(i + 1, 32));
    const refusal = async (evidence: string[]) =>
      revertOf((await restart("x", evidence)).propose(contracts.operators[0]));

    expect(await refusal([high, low])).toEqual(["GovernorInvalidEvidence", 1n]);
    expect(await refusal([low, low])).toEqual(["GovernorInvalidEvidence", 1n]);
    expect(await refusal([ethers.ZeroHash])).toEqual(["GovernorInvalidEvidence", 0n]);
    expect(await refusal(many)).toEqual(["GovernorInvalidEvidence", 16n]);
    expect(await refusal(many.slice(0, 16))).toBeUndefined();
  });

  it("refuses a second directive in one proposal, and one that does not read", async () => {
    const call = await issueCall(contracts, { kind: Kind.Restart });
    const two = new GovernanceHelper(contracts.governor, [call, await issueCall(contracts, { kind: Kind.Deploy })]);
    const broken = new GovernanceHelper(contracts.governor, [{ ...call, data: call.data.slice(0, -2) }]);

    expect(await revertOf(two.propose(contracts.operators[0]))).toEqual(["GovernorInvalidDirective", 1n]);
    expect(await revertOf(broken.propose(contracts.operators[0]))).toEqual(["GovernorInvalidDirective", 0n]);
  });

  it("refuses lists of unequal length", async () => {
    const { governor, operators } = contracts;
    const call = await flagCall(contracts);
    const propose = governor.connect(operators[0]).propose;
    expect(await revertOf(propose([call.target], [0n], [], "x"))).toEqual([
      "GovernorInvalidProposalLength",
      1n,
      0n,
      1n,
    ]);
    expect(await revertOf(propose([call.target], [], [call.data], "x"))).toEqual([
      "GovernorInvalidProposalLength",
      1n,
      1n,
      0n,
    ]);
    expect(await revertOf(propose([], [], [], "x"))).toEqual(["GovernorInvalidProposalLength", 0n, 0n, 0n]);
  });

  it("bounds what one node has open on a track, until something closes", async () => {
    const proposals = await Promise.all([0, 1, 2, 3, 4].map((i) => restart(`${i}`)));
    for (const proposal of proposals.slice(0, 4)) await proposal.propose(contracts.operators[0]);
    const last = proposals[4] as GovernanceHelper;
    const refused = ["GovernorTooManyOpenProposals", contracts.operators[0]?.address, Track.emergency, 4n];
    expect(await revertOf(last.propose(contracts.operators[0]))).toEqual(refused);

    // Other nodes and other tracks have bounds of their own.
    await new GovernanceHelper(contracts.governor, [await flagCall(contracts)]).propose(contracts.operators[0]);
    await proposals[2]?.cancel(contracts.guardian);
    await last.propose(contracts.operators[0]);
    expect(await revertOf((await restart("6")).propose(contracts.operators[0]))).toEqual(refused);

    await last.waitForEnd();
    await (await restart("7")).propose(contracts.operators[0]);
  });
});

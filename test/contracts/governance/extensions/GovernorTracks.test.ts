import { beforeEach, describe, expect, it } from "vitest";
import { contracts, useFreshGovernance } from "../../../harness/contracts/currentGovernance.js";
import { DEFAULT_TRACKS, networkHelpers, rules, Track } from "../../../harness/contracts/deployGovernance.js";
import { type Call, flagCall, GovernanceHelper, issueCall, Kind } from "../../../harness/contracts/governanceHelper.js";
import { revertOf } from "../../../harness/contracts/reverts.js";

beforeEach(useFreshGovernance);

describe("A track's rules", () => {
  const wrong: [string, Partial<ReturnType<typeof rules>>][] = [
    ["votingDelay", { votingDelay: 90n * 86_400n + 1n }],
    ["votingPeriod", { votingPeriod: 0n }],
    ["votingPeriod", { votingPeriod: 90n * 86_400n + 1n }],
    ["quorum", { quorum: 10_001n }],
    ["approval", { approval: 10_001n }],
    ["fastPath", { fastPath: 4999n }],
    ["fastPath", { fastPath: 10_001n }],
    ["timelock", { timelock: 90n * 86_400n + 1n }],
    ["expiry", { expiry: 0n }],
    ["expiry", { expiry: 90n * 86_400n + 1n }],
    ["openLimit", { openLimit: 0n }],
    ["openLimit", { openLimit: 17n }],
  ];
  it.each(wrong)("keep %s within bounds: %o", async (rule, change) => {
    const { governor, operators } = contracts;
    const data = governor.interface.encodeFunctionData("setTrack", [Track.operations, rules(change)]);
    const proposal = new GovernanceHelper(governor, [{ target: await governor.getAddress(), data }]);
    expect(await revertOf(proposal.carryOut(operators[0], operators))).toEqual([
      "GovernorInvalidTrack",
      Track.operations,
      rule,
    ]);
  });
});

describe("The track of a proposal", () => {
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
});

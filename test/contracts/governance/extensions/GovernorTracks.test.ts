import { beforeEach, describe, expect, it } from "vitest";
import { ProposalReader__factory } from "../../../../src/ports/chain/bindings/index.js";
import { contracts, useFreshGovernance, voterOf } from "../../../harness/contracts/currentGovernance.js";
import {
  DEFAULT_TRACKS,
  ethers,
  networkHelpers,
  type Rules,
  rules,
  Track,
} from "../../../harness/contracts/deployGovernance.js";
import {
  type Call,
  flagCall,
  GovernanceHelper,
  issueCall,
  Kind,
  trackOf,
} from "../../../harness/contracts/governanceHelper.js";
import { revertOf } from "../../../harness/contracts/reverts.js";

const DAY = 86_400n;
const [THIRD, HALF, TWO_THIRDS, FOUR_FIFTHS] = [20_000n, 30_000n, 40_000n, 48_000n];
/** The position of the rule that is a yes or a no. */
const FAST_PATH = 4;

beforeEach(useFreshGovernance);

/** The least and the most of each rule, in the order of the contract, by track. */
const BOUNDS: Record<keyof typeof Track, readonly (readonly [least: bigint, most: bigint])[]> = {
  emergency: bounds([0n, 0n], [20n, DAY], THIRD, [HALF, TWO_THIRDS], [1n, 1n], [0n, 0n]),
  operations: bounds([0n, 7n * DAY], [20n, 7n * DAY], THIRD, [HALF, TWO_THIRDS], [0n, 1n], [0n, DAY]),
  membership: bounds([0n, 7n * DAY], [60n, 30n * DAY], HALF, [TWO_THIRDS, FOUR_FIFTHS], [0n, 1n], [0n, 7n * DAY]),
  constitution: bounds([0n, 7n * DAY], [60n, 30n * DAY], HALF, [TWO_THIRDS, FOUR_FIFTHS], [0n, 1n], [0n, 30n * DAY]),
};
type Bound = readonly [least: bigint, most: bigint];

/** The most of the quorum, expiry and open limit are the same everywhere. */
function bounds(
  delay: Bound,
  period: Bound,
  quorum: bigint,
  approval: Bound,
  fastPath: Bound,
  timelock: Bound,
): Bound[] {
  return [delay, period, [quorum, TWO_THIRDS], approval, fastPath, timelock, [60n, 30n * DAY], [1n, 16n]];
}

function rulesOf(words: readonly bigint[]): Rules {
  const names = ["votingDelay", "votingPeriod", "quorum", "approval", "fastPath", "timelock", "expiry", "openLimit"];
  const pairs = names.map((name, i) => [name, name === "fastPath" ? words[i] === 1n : words[i]]);
  return Object.fromEntries(pairs) as unknown as Rules;
}

describe("A track's rules", () => {
  it.each(Object.keys(BOUNDS) as (keyof typeof BOUNDS)[])("have a floor and a ceiling each: %s", async (name) => {
    const reader = ProposalReader__factory.connect(await contracts.governor.reader(), ethers.provider);
    const track = Track[name];
    const [least, most] = [0, 1].map((end) => BOUNDS[name].map((bound) => bound[end] ?? 0n)) as [bigint[], bigint[]];
    for (const within of [least, most])
      expect(await revertOf(reader.checkRules(track, rulesOf(within)))).toBeUndefined();
    for (const [i, [floor, ceiling]] of BOUNDS[name].entries()) {
      const beyond = [floor - 1n, ceiling + 1n].filter((value) => value >= 0n && (i !== FAST_PATH || value <= 1n));
      for (const value of beyond) {
        const refusal = ["GovernorInvalidTrack", track, BigInt(i)];
        expect(await revertOf(reader.checkRules(track, rulesOf(least.with(i, value))))).toEqual(refusal);
      }
    }
  });

  const wrong: [string, Partial<Rules>, bigint][] = [
    ["voting period", { votingPeriod: 19n }, 1n],
    ["quorum", { quorum: 0n }, 2n],
    ["approval", { approval: HALF - 1n }, 3n],
    ["expiry", { expiry: 0n }, 6n],
  ];
  it.each(wrong)("are taken out of bounds by no vote, however large: %s", async (_rule, change, position) => {
    const { governor, operators } = contracts;
    const data = governor.interface.encodeFunctionData("setTrack", [Track.operations, rules(change)]);
    const proposal = new GovernanceHelper(governor, [{ target: await governor.getAddress(), data }]);
    expect(await revertOf(proposal.carryOut(operators[0], operators))).toEqual([
      "GovernorInvalidTrack",
      Track.operations,
      position,
    ]);
  });

  it("never let Membership need less approval than Constitution, from either side", async () => {
    const { governor, operators } = contracts;
    const target = await governor.getAddress();
    for (const [track, approval] of [
      [Track.membership, TWO_THIRDS],
      [Track.constitution, FOUR_FIFTHS],
    ] as const) {
      const data = governor.interface.encodeFunctionData("setTrack", [track, { ...DEFAULT_TRACKS[2], approval }]);
      const proposal = new GovernanceHelper(governor, [{ target, data }]);
      expect(await revertOf(proposal.carryOut(operators[0], operators))).toEqual(["GovernorInvalidTrack", track, 3n]);
    }
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
    ["ChangeOperator", Track.membership],
    ["SetParameter", Track.constitution],
    ["SetFlag", Track.operations],
    ["SetTrack", Track.constitution],
    ["Experiment", Track.operations],
  ] as const)("decides %s on track %i", async (kind, track) => {
    const call = await issueCall(contracts, { kind: Kind[kind] });
    const proposal = new GovernanceHelper(contracts.governor, [call]);
    expect(await trackOf(contracts, call)).toBe(track);
    await proposal.propose(contracts.operators[1]);

    const wanted = DEFAULT_TRACKS[Number(track)];
    const start = await contracts.governor.proposalSnapshot(proposal.id);
    expect(start - BigInt(await networkHelpers.time.latest())).toBe(wanted?.votingDelay);
    const deadline = await contracts.governor.proposalDeadline(proposal.id);
    // What is signed before the opening ends with the window after that of its salt.
    expect(deadline).toBe(
      wanted?.votingDelay === 0n ? (start / 300n + 2n) * 300n : start + (wanted?.votingPeriod ?? 0n),
    );
    const frozen = await contracts.governor.proposalRules(proposal.id);
    expect([frozen.track, frozen.approval, frozen.timelock, frozen.expiry]).toEqual([
      track,
      wanted?.approval,
      wanted?.timelock,
      wanted?.expiry,
    ]);
    // Of five: a claim of fact needs a majority; the others a third or a half, and two thirds or nothing on the fast path.
    const [needed, early] =
      [
        [3n, 3n],
        [2n, 4n],
        [3n, 0n],
        [3n, 0n],
      ][Number(track)] ?? [];
    expect([frozen.committeeSize, frozen.neededFor, frozen.fastPathFor]).toEqual([5n, needed, early]);
    expect(frozen.claim).toBe(track === Track.emergency);
  });

  it("takes the most careful track of several calls", async () => {
    const { nodes, timelock } = contracts;
    const quick = await issueCall(contracts, { kind: Kind.Restart });
    const flag = await flagCall(contracts);
    const ban = {
      target: await nodes.getAddress(),
      data: nodes.interface.encodeFunctionData("remove", [[voterOf(1).address]]),
    };
    const genesis = { target: await nodes.getAddress(), data: nodes.interface.encodeFunctionData("closeGenesis") };
    const role = { target: await timelock.getAddress(), data: "0x" };
    const tracksOf = (...calls: Call[]) => trackOf(contracts, ...calls);

    expect(await tracksOf(quick)).toBe(Track.emergency);
    expect(await tracksOf(flag, quick)).toBe(Track.operations);
    expect(await tracksOf(quick, ban, flag)).toBe(Track.membership);
    expect(await tracksOf(genesis)).toBe(Track.constitution);
    expect(await tracksOf(role, quick)).toBe(Track.constitution);
    expect(await tracksOf({ target: quick.target, data: "0x" })).toBe(Track.constitution);
  });
});

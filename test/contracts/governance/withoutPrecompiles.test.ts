import { beforeEach, describe, expect, it, vi } from "vitest";
import { registryOfTimelock } from "../../harness/contracts/attacks.js";
import {
  aggregate,
  aggregateOver,
  BALLOT_PATHS,
  ballotContextOf,
  batchOf,
  bitmap,
  castBy,
  countOf,
  secretOfNode,
  signersOf,
} from "../../harness/contracts/ballots.js";
import { contracts, restart, useFreshGovernance, voterOf } from "../../harness/contracts/currentGovernance.js";
import { ethers } from "../../harness/contracts/deployGovernance.js";
import { admissionOf, consented, G1_INFINITY, G2_INFINITY } from "../../harness/contracts/eip2537.js";
import {
  type Call,
  flagCall,
  GovernanceHelper,
  issueCall,
  Kind,
  State,
  Support,
} from "../../harness/contracts/governanceHelper.js";
import { revertOf } from "../../harness/contracts/reverts.js";
import { nextAgentOf, removeNodes, rotateAgent } from "../../harness/contracts/seats.js";

// The same contracts on a chain of the hardfork before: Cancun has no EIP-2537.
vi.mock("hardhat", async (original) => {
  const { network } = await original<typeof import("hardhat")>();
  return { network: { create: () => network.create({ override: { hardfork: "cancun" } }) } };
});

const Report = { ready: 1n, done: 2n } as const;
const Status = { unknown: 0n, issued: 1n, done: 2n } as const;
const NO_PRECOMPILES = ["NodeRegistryNoPrecompiles"];
const EVERYBODY = [0, 1, 2, 3, 4];
/** The paths that need no aggregates. */
const PATHS_LEFT = BALLOT_PATHS.filter((path) => path !== "castVotesByAggregate");

beforeEach(useFreshGovernance);

/** A proposal that takes ballots. */
async function opened(...calls: Call[]): Promise<GovernanceHelper> {
  return new GovernanceHelper(contracts.governor, calls).open(voterOf(0));
}

/** What `castVotesBySig` takes of these nodes, all of them For. */
async function batchFor(
  proposal: GovernanceHelper,
  indices: number[],
  accounts = indices.map(voterOf),
): Promise<string> {
  const entries = indices.map((index, i) => ({ index, support: Support.for, voter: accounts[i] ?? voterOf(index) }));
  return batchOf(await ballotContextOf(contracts.governor, proposal.id), entries);
}

/** Carries out what has passed. */
async function enact(proposal: GovernanceHelper): Promise<void> {
  expect(await proposal.state()).toBe(State.succeeded);
  await proposal.enact();
  expect(await proposal.state()).toBe(State.executed);
}

/** A directive that a batch of ballots has decided. */
async function issued(kind: number): Promise<string> {
  const proposal = await opened(await issueCall(contracts, { kind }));
  await contracts.governor.castVotesBySig(proposal.id, await batchFor(proposal, [0, 1, 2, 3]));
  await enact(proposal);
  return proposal.directiveId;
}

describe("A chain without EIP-2537", () => {
  it("has nothing at the addresses of its precompiles", async () => {
    for (const address of [0x0b, 0x0c, 0x0d, 0x0e, 0x0f, 0x10, 0x11]) {
      const to = ethers.toBeHex(address, 20);
      expect(await ethers.provider.call({ to, data: `0x${"00".repeat(256)}` })).toBe("0x");
    }
  });

  it("runs the whole DAO, whose registry reports that it counts no aggregates", async () => {
    const { nodes, operators, ...others } = contracts;
    for (const contract of [nodes, others.governor, others.directives, others.models, others.parameters]) {
      expect(await ethers.provider.getCode(contract)).not.toBe("0x");
    }
    expect(await nodes.aggregates()).toBe(false);
    expect((await nodes.committee(1)).slice(1, 3)).toEqual([5n, 5n]);
    expect(await nodes.memberBits(1)).toEqual([31n]);
    // Keys are kept; nothing adds them up.
    expect(await nodes.totalKey(1)).toBe(G1_INFINITY);
    for (const [index, { address }] of operators.entries()) {
      expect(await nodes.keyOf(index)).toBe(admissionOf(address, `key ${index}`).key);
      expect(await nodes.indexOf(address, 1)).toBe(BigInt(index));
    }
  });

  it("refuses every aggregate of ballots, though all of the committee has signed", async () => {
    const proposal = await opened(await flagCall(contracts));
    const context = await ballotContextOf(contracts.governor, proposal.id);
    for (const ballots of [{ for: EVERYBODY }, { for: [0], against: [1], abstain: [2] }, { abstain: [4] }, {}]) {
      const signatures = [G2_INFINITY, "0x", ...(Object.keys(ballots).length > 0 ? [aggregate(context, ballots)] : [])];
      for (const signature of signatures) {
        const cast = contracts.governor.castVotesByAggregate(proposal.id, signersOf(ballots), signature);
        const claimed = Object.keys(ballots).length > 0;
        expect(await revertOf(cast)).toEqual(claimed ? NO_PRECOMPILES : ["GovernorNothingNew", proposal.id]);
      }
    }
    expect(await countOf(contracts.governor, proposal.id, 5)).toEqual({ for: 0n, against: 0n, abstain: 0n, voted: [] });
  });

  it("has no fast lane, and a decision that is refused there can be opened slowly", async () => {
    const { governor } = contracts;
    const proposal = await restart();
    const ballots = { for: EVERYBODY };
    const [targets, values, calldatas] = proposal.operation();
    const signature = aggregate(await ballotContextOf(governor, proposal.id), ballots);
    const decided = governor
      .connect(voterOf(0))
      .decide(targets, values, calldatas, proposal.description, signersOf(ballots), signature);
    expect(await revertOf(decided)).toEqual(NO_PRECOMPILES);
    expect(await revertOf(proposal.state())).toEqual(["GovernorNonexistentProposal", proposal.id]);

    await proposal.open(voterOf(0));
    await governor.castVotesBySig(proposal.id, await batchFor(proposal, [0, 1, 2, 3]));
    await enact(proposal);
    expect(await contracts.directives.status(proposal.directiveId)).toBe(Status.issued);
  });

  it("refuses reports that come together", async () => {
    const { directives } = contracts;
    const id = await issued(Kind.Restart);
    for (const [report, outcome] of [
      [Report.ready, ethers.ZeroHash],
      [Report.done, ethers.id("outcome")],
    ] as const) {
      const signature = aggregateOver(
        await directives.reportDigest(id, report, outcome),
        EVERYBODY.map((index) => secretOfNode(index)),
      );
      const reported = directives.reportByAggregate(id, report, outcome, bitmap(EVERYBODY), signature);
      expect(await revertOf(reported)).toEqual(NO_PRECOMPILES);
      expect(await directives.attestations(id, report, outcome)).toBe(0n);
    }
    for (const operator of contracts.operators) expect(await directives.reportOf(id, operator)).toBe(0n);
    expect(await directives.status(id)).toBe(Status.issued);
  });
});

describe("Without aggregates", () => {
  it.each(PATHS_LEFT)("%s decides, the directive is issued, and reports enact it", async (path) => {
    const { governor, directives } = contracts;
    const proposal = await opened(await issueCall(contracts, { kind: Kind.Scale }));
    for (const index of [0, 1, 2, 3]) {
      await castBy(path, governor, proposal.id, { index, support: Support.for, voter: voterOf(index) });
    }
    expect(await countOf(governor, proposal.id, 5)).toEqual({ for: 4n, against: 0n, abstain: 0n, voted: [0, 1, 2, 3] });
    await enact(proposal);

    const id = proposal.directiveId;
    expect(await directives.status(id)).toBe(Status.issued);
    for (const index of [0, 2, 4]) await directives.connect(voterOf(index)).report(id, Report.ready, ethers.ZeroHash);
    for (const index of [0, 2]) await directives.connect(voterOf(index)).report(id, Report.done, ethers.id("outcome"));
    expect(await directives.status(id)).toBe(Status.issued);
    await directives.connect(voterOf(4)).report(id, Report.done, ethers.id("outcome"));
    expect(await directives.status(id)).toBe(Status.done);
    expect(await directives.attestations(id, Report.done, ethers.id("outcome"))).toBe(3n);
  });

  it("all paths that are left add up to one tally", async () => {
    const { governor } = contracts;
    const proposal = await opened(await flagCall(contracts));
    const context = await ballotContextOf(governor, proposal.id);
    await governor.castVotesBySig(
      proposal.id,
      await batchOf(context, [
        { index: 0, support: Support.against, voter: voterOf(0) },
        { index: 3, support: Support.abstain, voter: voterOf(3) },
      ]),
    );
    await castBy("castVote", governor, proposal.id, { index: 1, support: Support.for, voter: voterOf(1) });
    await castBy("castVoteBySig", governor, proposal.id, { index: 4, support: Support.for, voter: voterOf(4) });
    expect(await countOf(governor, proposal.id, 5)).toEqual({ for: 2n, against: 1n, abstain: 1n, voted: [0, 1, 3, 4] });
    await proposal.waitForEnd();
    await enact(proposal);
    expect(await contracts.parameters.flag(ethers.encodeBytes32String("learning.enabled"))).toBe(true);
  });

  it.each(PATHS_LEFT)("no node votes again after %s", async (first) => {
    const { governor } = contracts;
    const proposal = await opened(await flagCall(contracts));
    await castBy(first, governor, proposal.id, { index: 3, support: Support.for, voter: voterOf(3) });
    for (const path of PATHS_LEFT) {
      const again = castBy(path, governor, proposal.id, { index: 3, support: Support.against, voter: voterOf(3) });
      const batch = path === "castVotesBySig";
      expect(await revertOf(again)).toEqual(
        batch ? ["GovernorNothingNew", proposal.id] : ["GovernorAlreadyCastVote", voterOf(3).address],
      );
    }
    expect(await countOf(governor, proposal.id, 5)).toEqual({ for: 1n, against: 0n, abstain: 0n, voted: [3] });
  });
});

describe("Without aggregates, a committee", () => {
  it("admits and removes by vote, sets agents without one, and what was opened before goes on", async () => {
    const { governor, nodes, stranger } = contracts;
    const target = await nodes.getAddress();
    const open = await opened(await flagCall(contracts, "opened before"));
    const change = await opened(
      { target, data: nodes.interface.encodeFunctionData("admit", [[admissionOf(stranger.address, "key 5")]]) },
      { target, data: nodes.interface.encodeFunctionData("remove", [[voterOf(1).address]]) },
    );
    await governor.castVotesBySig(open.id, await batchFor(open, [1, 2]));
    await governor.castVotesBySig(change.id, await batchFor(change, EVERYBODY));
    await change.waitForEnd();
    await enact(change);
    await rotateAgent(nodes, 2, "key 6");

    expect(await nodes.epoch()).toBe(4n);
    expect((await nodes.committee(4)).slice(1, 3)).toEqual([5n, 7n]);
    expect(await nodes.memberBits(1)).toEqual([0b0011111n]);
    expect(await nodes.memberBits(4)).toEqual([0b1111001n]);
    expect(await nodes.totalKey(4)).toBe(G1_INFINITY);
    expect([await nodes.keyOf(2), await nodes.keyOf(6)]).toEqual([
      admissionOf(voterOf(2).address, "key 2").key,
      admissionOf(voterOf(2).address, "key 6").key,
    ]);

    const later = await opened(await flagCall(contracts, "opened later"));
    for (const [gone, account] of [
      [1, voterOf(1)],
      [2, voterOf(2)],
    ] as const) {
      const refusal = ["NodeRegistryNotMembers", 0n, 1n << BigInt(gone)];
      const batch = await batchFor(later, [0, gone], [voterOf(0), account]);
      expect(await revertOf(governor.castVotesBySig(later.id, batch))).toEqual(refusal);
    }
    const accounts = [voterOf(0), voterOf(3), stranger, voterOf(2)];
    await governor.castVotesBySig(later.id, await batchFor(later, [0, 3, 5, 6], accounts));
    await enact(later);
  });

  it("counts a ballot of a node that has left since, under the index that it had", async () => {
    const proposal = await opened(await flagCall(contracts));
    const registry = await registryOfTimelock();
    await rotateAgent(registry, 2, "key 5");
    await removeNodes(registry, [1]);
    await contracts.governor.castVotesBySig(proposal.id, await batchFor(proposal, [0, 1, 2, 3]));
    await enact(proposal);
  });

  it("takes keys as they are, for there is no sum that a rogue key could enter, but each once and well formed", async () => {
    const { stranger } = contracts;
    const registry = await registryOfTimelock();
    const honest = admissionOf(stranger.address, "key 5");
    const invalid = ["NodeRegistryInvalidKey", ethers.keccak256(G1_INFINITY)];
    expect(await revertOf(registry.admit([{ ...honest, key: G1_INFINITY }]))).toEqual(invalid);
    const next = consented({ ...(await nextAgentOf(registry, 2, "key 5")), key: G1_INFINITY }, 1);
    expect(await revertOf(registry.setAgentBySig(next))).toEqual(invalid);
    for (const key of [`${honest.key}00`, `0x${"ff".repeat(128)}`]) {
      const refusal = ["NodeRegistryInvalidKey", ethers.keccak256(key)];
      expect(await revertOf(registry.admit([{ ...honest, key }]))).toEqual(refusal);
    }
    const { key } = admissionOf(voterOf(1).address, "key 1");
    const duplicate = ["NodeRegistryDuplicateKey", ethers.keccak256(key)];
    expect(await revertOf(registry.admit([{ ...honest, key }]))).toEqual(duplicate);
    const short = { ...honest, possession: "0x" };
    expect(await revertOf(registry.admit([short]))).toEqual(["NodeRegistryInvalidPossession", stranger.address]);

    // Nobody can check that it is a proof.
    const { possession } = admissionOf(voterOf(1).address, "another key");
    await registry.admit([{ ...honest, possession }]);
    expect(await registry.isMember(stranger, await registry.epoch())).toBe(true);
  });
});

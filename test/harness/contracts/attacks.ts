import type { HardhatEthersSigner } from "@nomicfoundation/hardhat-ethers/types";
import { expect } from "vitest";
import {
  aggregate,
  type BallotPath,
  type BallotsOfNodes,
  ballotContextOf,
  ballotsOf,
  batchOf,
  castBy,
  countOf,
  signersOf,
} from "./ballots.js";
import { type GovernanceContracts, timelockSigner } from "./deployGovernance.js";
import { flagCall, GovernanceHelper } from "./governanceHelper.js";
import { revertOf } from "./reverts.js";

/** Above every index of the committees of these tests. */
const BOUND = 12;

/** A node's index and its support. */
export type CastBallot = readonly [index: number, support: number];

/** The paths that take several ballots. */
export const TOGETHER: readonly BallotPath[] = ["castVotesBySig", "castVotesByAggregate"];

export const INVALID = ["NodeRegistryInvalidSignature"];

/** The operator of the node with this index, if its key was never rotated. */
export function voterOf({ operators }: GovernanceContracts, index: number): HardhatEthersSigner {
  const found = operators[index];
  if (!found) throw new Error(`there is no node ${index}`);
  return found;
}

/** Opens a proposal on the operations track and waits until it takes ballots. */
export async function openProposal(contracts: GovernanceContracts, name: string): Promise<GovernanceHelper> {
  const proposal = new GovernanceHelper(contracts.governor, [await flagCall(contracts, name)]);
  await proposal.propose(voterOf(contracts, 0));
  await proposal.waitForStart();
  return proposal;
}

/** The registry, called as the timelock. */
export async function registryOfTimelock(contracts: GovernanceContracts) {
  return contracts.nodes.connect(await timelockSigner(contracts));
}

/** Sends an aggregate that claims `signature` for these ballots. */
export function castAggregate(
  { governor, id }: GovernanceHelper,
  ballots: BallotsOfNodes,
  signature: string,
): Promise<unknown> {
  return governor.castVotesByAggregate(id, signersOf(ballots), signature);
}

/** Expects that `attempt` reverts with `refusal` and changes neither tally nor voters. */
export async function expectRefused(
  { governor, id }: GovernanceHelper,
  attempt: () => Promise<unknown>,
  refusal: readonly unknown[],
): Promise<void> {
  const before = await countOf(governor, id, BOUND);
  expect(await revertOf(attempt())).toEqual(refusal);
  expect(await countOf(governor, id, BOUND)).toEqual(before);
}

/** The error of each path for a node that has voted already. */
export function votedAlready(path: BallotPath, index: number, operator: string): unknown[] {
  return TOGETHER.includes(path)
    ? ["GovernorBallotsOverlap", 0n, 1n << BigInt(index)]
    : ["GovernorAlreadyCastVote", operator];
}

/** Casts ballots by one path: in one transaction if the path takes several, else in one each. */
export async function castAll(
  path: BallotPath,
  contracts: GovernanceContracts,
  { governor, id }: GovernanceHelper,
  ballots: readonly CastBallot[],
) {
  const entries = ballots.map(([index, support]) => ({ index, support, voter: voterOf(contracts, index) }));
  const poll = await ballotContextOf(governor, id);
  if (path === "castVotesBySig") return governor.castVotesBySig(id, await batchOf(poll, entries));
  if (path === "castVotesByAggregate") {
    const sets = ballotsOf(ballots);
    return governor.castVotesByAggregate(id, signersOf(sets), aggregate(poll, sets));
  }
  for (const entry of entries) await castBy(path, governor, id, entry);
}

import { expect } from "vitest";
import {
  aggregate,
  type BallotContext,
  type BallotPath,
  type BallotsOfNodes,
  ballotContextOf,
  ballotsOf,
  batchOf,
  castBy,
  countOf,
  signersOf,
} from "./ballots.js";
import { contracts, openVote, useFreshGovernance, voterOf } from "./currentGovernance.js";
import { timelockSigner } from "./deployGovernance.js";
import type { GovernanceHelper } from "./governanceHelper.js";
import { revertOf } from "./reverts.js";

/** Above every index of the committees of these tests. */
const BOUND = 12;

/** A node's index and its support. */
export type CastBallot = readonly [index: number, support: number];

/** The paths that take several ballots. */
export const TOGETHER: readonly BallotPath[] = ["castVotesBySig", "castVotesByAggregate"];

export const INVALID = ["NodeRegistryInvalidSignature"];

/** A vote among five nodes that has begun, in contracts of its own, and what its ballots sign. */
export async function beginVote(): Promise<{ proposal: GovernanceHelper; context: BallotContext }> {
  await useFreshGovernance();
  const proposal = await openVote();
  return { proposal, context: await ballotContextOf(proposal.governor, proposal.id) };
}

/** The registry, called as the timelock. */
export async function registryOfTimelock() {
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

/** The error of each path for a node that has voted already, alone. */
export function votedAlready(path: BallotPath, proposalId: bigint, operator: string): unknown[] {
  return TOGETHER.includes(path) ? ["GovernorNothingNew", proposalId] : ["GovernorAlreadyCastVote", operator];
}

/** Casts ballots by one path: in one transaction if the path takes several, else in one each. */
export async function castAll(path: BallotPath, { governor, id }: GovernanceHelper, ballots: readonly CastBallot[]) {
  const entries = ballots.map(([index, support]) => ({ index, support, voter: voterOf(index) }));
  const context = await ballotContextOf(governor, id);
  if (path === "castVotesBySig") return governor.castVotesBySig(id, await batchOf(context, entries));
  if (path === "castVotesByAggregate") {
    const sets = ballotsOf(ballots);
    return governor.castVotesByAggregate(id, signersOf(sets), aggregate(context, sets));
  }
  for (const entry of entries) await castBy(path, governor, id, entry);
}

import type { HardhatEthersSigner } from "@nomicfoundation/hardhat-ethers/types";
import type { ContractTransactionReceipt } from "ethers";
import { expect } from "vitest";
import { aggregate, type BallotsOfNodes, ballotContextOf, signersOf } from "./ballots.js";
import { contracts } from "./currentGovernance.js";
import { ethers, networkHelpers } from "./deployGovernance.js";
import type { GovernanceHelper } from "./governanceHelper.js";
import { revertOf } from "./reverts.js";

export const ISSUED = 1n;
export const ENOUGH = { for: [0, 1, 2, 3] };
/** The bit of `state`, as in the errors of OpenZeppelin's Governor. */
export const stateBit = (state: bigint) => ethers.toBeHex(1n << state, 32);

export async function argumentsOf(proposal: GovernanceHelper, ballots: BallotsOfNodes, signed = ballots) {
  const [targets, values, calldatas] = proposal.operation();
  const signature = aggregate(await ballotContextOf(contracts.governor, proposal.id), signed);
  return [targets, values, calldatas, proposal.description, signersOf(ballots), signature] as const;
}

export async function decide(
  proposal: GovernanceHelper,
  ballots: BallotsOfNodes = ENOUGH,
  by = contracts.operators[0],
) {
  const sent = await contracts.governor.connect(by).decide(...(await argumentsOf(proposal, ballots)));
  const receipt = await sent.wait();
  if (!receipt) throw new Error("the transaction was not mined");
  return receipt;
}

/** Expects that the proposal does not exist, with no votes. */
export async function expectNoProposal(proposal: GovernanceHelper): Promise<void> {
  const { governor } = contracts;
  expect(await revertOf(proposal.state())).toEqual(["GovernorNonexistentProposal", proposal.id]);
  expect(await proposal.votes()).toEqual({ for: 0n, against: 0n, abstain: 0n });
  expect(await governor.proposalProposer(proposal.id)).toBe(ethers.ZeroAddress);
  for (const index of [0, 1, 2, 3, 4]) expect(await governor.hasIndexVoted(proposal.id, index)).toBe(false);
}

export async function expectRefused(
  proposal: GovernanceHelper,
  refusal: unknown[],
  ballots?: BallotsOfNodes,
  by?: HardhatEthersSigner,
): Promise<void> {
  expect(await revertOf(decide(proposal, ballots, by))).toEqual(refusal);
  await expectNoProposal(proposal);
}

/** The names of a receipt's events, of all contracts, in order. */
export function eventsOf({ logs }: ContractTransactionReceipt): string[] {
  const known = [contracts.governor, contracts.directives, contracts.timelock].map((contract) => contract.interface);
  return logs.map((log) => known.map((abi) => abi.parseLog(log)?.name).find((name) => name !== undefined) ?? "unknown");
}

/** Mines all transactions of `work` in one block and returns its timestamp. */
export async function inOneBlock(work: () => Promise<void>): Promise<bigint> {
  await ethers.provider.send("evm_setAutomine", [false]);
  await work();
  await networkHelpers.mine();
  await ethers.provider.send("evm_setAutomine", [true]);
  return BigInt(await networkHelpers.time.latest());
}

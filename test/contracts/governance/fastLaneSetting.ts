import type { HardhatEthersSigner } from "@nomicfoundation/hardhat-ethers/types";
import type { ContractTransactionReceipt } from "ethers";
import { expect } from "vitest";
import { aggregate, type Ballots, pollOf, refusalOf, signersOf } from "./aggregates.js";
import { ethers, freshWorld, networkHelpers, type World } from "./setting.js";
import { type DirectiveWords, issueCall, Kind, Story } from "./story.js";

export const ISSUED = 1n;
export const ENOUGH = { for: [0, 1, 2, 3] };
/** `state` as the bit that {Governor} refuses with. */
export const only = (state: bigint) => ethers.toBeHex(1n << state, 32);

/** Each test's own. */
export let world: World;
/** For each test: a world in which nothing was decided yet. */
export async function begin(): Promise<void> {
  world = await freshWorld();
}

/** Goes on in another world. */
export function goTo(other: World): void {
  world = other;
}

/** A proposal that is not open, under the id that it will have. */
export async function restart(words: Partial<DirectiveWords> = {}): Promise<Story> {
  return known(new Story(world.governor, [await issueCall(world, { kind: Kind.Restart, ...words })]));
}

export async function known(story: Story): Promise<Story> {
  story.id = await world.governor.hashProposal(...story.operation());
  return story;
}

export async function argumentsOf(story: Story, ballots: Ballots, signed = ballots) {
  const [targets, values, calldatas] = story.operation();
  const signature = aggregate(await pollOf(world.governor, story.id), signed);
  return [targets, values, calldatas, story.description, signersOf(ballots), signature] as const;
}

export async function decide(story: Story, ballots: Ballots = ENOUGH, by = world.operators[0]) {
  const sent = await world.governor.connect(by).decide(...(await argumentsOf(story, ballots)));
  const receipt = await sent.wait();
  if (!receipt) throw new Error("the transaction was not mined");
  return receipt;
}

/** That there is no trace of the proposal. */
export async function expectNothing(story: Story): Promise<void> {
  const { governor } = world;
  expect(await refusalOf(story.state())).toEqual(["GovernorNonexistentProposal", story.id]);
  expect(await story.votes()).toEqual({ for: 0n, against: 0n, abstain: 0n });
  expect(await governor.proposalProposer(story.id)).toBe(ethers.ZeroAddress);
  for (const index of [0, 1, 2, 3, 4]) expect(await governor.hasIndexVoted(story.id, index)).toBe(false);
}

export async function refused(
  story: Story,
  refusal: unknown[],
  ballots?: Ballots,
  by?: HardhatEthersSigner,
): Promise<void> {
  expect(await refusalOf(decide(story, ballots, by))).toEqual(refusal);
  await expectNothing(story);
}

export async function timelockAccount(): Promise<HardhatEthersSigner> {
  const address = await world.timelock.getAddress();
  await networkHelpers.impersonateAccount(address);
  await networkHelpers.setBalance(address, ethers.parseEther("10"));
  return ethers.getSigner(address);
}

/** In the order in which they happened, of whatever contract of ours. */
export function eventsOf({ logs }: ContractTransactionReceipt): string[] {
  const known = [world.governor, world.directives, world.timelock].map((contract) => contract.interface);
  return logs.map((log) => known.map((abi) => abi.parseLog(log)?.name).find((name) => name !== undefined) ?? "unknown");
}

/** Runs `work` with the blocks' making stopped, then makes one of what was sent. Returns its second. */
export async function inOneBlock(work: () => Promise<void>): Promise<bigint> {
  await ethers.provider.send("evm_setAutomine", [false]);
  await work();
  await networkHelpers.mine();
  await ethers.provider.send("evm_setAutomine", [true]);
  return BigInt(await networkHelpers.time.latest());
}

import type { HardhatEthersSigner } from "@nomicfoundation/hardhat-ethers/types";
import type { ContractTransactionReceipt } from "ethers";
import { freshGovernance, type GovernanceContracts, openGenesis } from "./deployGovernance.js";
import { type DirectiveWords, flagCall, GovernanceHelper, issueCall, Kind } from "./governanceHelper.js";

/** The contracts of the current test. */
export let contracts: GovernanceContracts;

/** Gives each test contracts without any proposal: for `beforeEach`. */
export async function useFreshGovernance(): Promise<void> {
  contracts = await freshGovernance();
}

/** The same with genesis still open: `contracts.nodes` admits as the founder. */
export async function useOpenGenesis(): Promise<void> {
  contracts = await openGenesis();
}

/** Goes on with other contracts. */
export function useGovernance(other: GovernanceContracts): void {
  contracts = other;
}

/** The operator of the node with this index, if its key was never rotated. */
export function voterOf(index: number): HardhatEthersSigner {
  const found = contracts.operators[index];
  if (!found) throw new Error(`there is no node ${index}`);
  return found;
}

/** A restart, on the emergency track, with the id it will have. Nobody has opened it yet. */
export async function restart(words: Partial<DirectiveWords> = {}, attempt = 0): Promise<GovernanceHelper> {
  const call = await issueCall(contracts, { kind: Kind.Restart, ...words }, attempt);
  return new GovernanceHelper(contracts.governor, [call]).withId();
}

/** A deployment, on the operations track, not opened yet. */
export async function deployment(description?: string): Promise<GovernanceHelper> {
  return new GovernanceHelper(contracts.governor, [await issueCall(contracts, { kind: Kind.Deploy })], description);
}

/** A deployment that node 0 has opened; ballots count later. */
export async function openDeployment(description?: string): Promise<GovernanceHelper> {
  const proposal = await deployment(description);
  await proposal.propose(voterOf(0));
  return proposal;
}

/** A deployment that four of five nodes have passed by the fast path. */
export async function passDeployment(description?: string): Promise<GovernanceHelper> {
  return (await deployment(description)).pass(voterOf(0), contracts.operators.slice(0, 4));
}

/** A vote on a flag, on the operations track, that has begun. */
export async function openVote(name = "learning.enabled"): Promise<GovernanceHelper> {
  return new GovernanceHelper(contracts.governor, [await flagCall(contracts, name)]).open(voterOf(0));
}

/** The governor's events of a transaction, each as its name and arguments. */
export async function governorEventsOf(
  sent: Promise<{ wait(): Promise<Pick<ContractTransactionReceipt, "logs"> | null> }>,
): Promise<unknown[][]> {
  const receipt = await (await sent).wait();
  return (receipt?.logs ?? []).map((log) => {
    const event = contracts.governor.interface.parseLog(log);
    return [event?.name, ...(event?.args.toArray(true) ?? [])];
  });
}

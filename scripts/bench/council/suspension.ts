import { composeProposal } from "../../../src/client/proposals/composeProposal.js";
import { NodePresence__factory } from "../../../src/ports/chain/bindings/index.js";
import type { Deployment } from "../../../src/ports/chain/index.js";
import { WINDOW_SECONDS } from "../../../src/records/index.js";
import { ethers, networkHelpers } from "../../../test/harness/contracts/deployGovernance.js";
import { GovernanceHelper, State } from "../../../test/harness/contracts/governanceHelper.js";
import { revertOf } from "../../../test/harness/contracts/reverts.js";
import { type BenchNode, makeNodes } from "../votes/committee.js";
import { attestTogether, beginDecisions, decideAtOnce, decideCall, send } from "../votes/steps.js";
import { type BenchWorld, buildWorld } from "../votes/world.js";

/**
 * Measures the gas of what is left of a committee: it suspends its last `silent` seats in one transaction, and decides and
 * attests a Restart after that. It also finds how many of the others stop the Suspend if they withhold their votes.
 */
export async function measureSuspension(size: number, silent: number) {
  const world = await buildWorld(makeNodes(size), false);
  const [living, dead] = [world.nodes.slice(0, size - silent), world.nodes.slice(size - silent)];
  const start = await networkHelpers.takeSnapshot();
  const before = await restart(world, living);
  await start.restore();

  const proposal = await suspensionOf(world, dead);
  const blockedBy = await findBlockers(world, proposal, living);
  const suspend = await send(world.governor, living[0]?.agent, await decideCall(world, proposal, living));
  await expectCounted(world, living.length);
  const after = await restart(world, living);
  return { gas: { seats: silent, signatures: living.length, suspend, ...after, before }, blockedBy };
}

/** The gas of a Restart that these nodes decide in one transaction, and of the report of all of them that it is done. */
async function restart(world: BenchWorld, living: readonly BenchNode[]) {
  return { restart: await decideAtOnce(world, living), attestation: await attestTogether(world, living) };
}

/** The proposal that an agent makes of these silent seats. */
async function suspensionOf({ directives, governor, registry }: BenchWorld, seats: readonly BenchNode[]) {
  await beginDecisions();
  const addresses: Partial<Deployment["contracts"]> = {
    DirectiveRegistry: (await directives.getAddress()) as `0x${string}`,
    NodePresence: (await registry.presences()) as `0x${string}`,
  };
  const { calls, description } = composeProposal(addresses as Deployment["contracts"], {
    order: { kind: "Suspend", indices: seats.map(({ index }) => index) },
    openingWindow: Math.floor((await networkHelpers.time.latest()) / WINDOW_SECONDS),
  });
  return new GovernanceHelper(governor, [...calls], description).withId();
}

/**
 * How many of the living block the Suspend: with their votes withheld, no more than half of all seats are For. The contracts
 * are asked about this number and about one less.
 */
async function findBlockers(world: BenchWorld, proposal: GovernanceHelper, living: readonly BenchNode[]) {
  const size = world.nodes.length;
  const neededFor = Math.floor(size / 2) + 1;
  const nodes = living.length - neededFor + 1;
  if (await suspends(world, proposal, living.slice(nodes))) throw new Error(`${nodes} nodes do not block the Suspend`);
  if (!(await suspends(world, proposal, living.slice(nodes - 1))))
    throw new Error(`${nodes - 1} nodes block the Suspend`);
  const percentOf = (all: number) => Math.round((nodes / all) * 1_000) / 10;
  return { neededFor, nodes, percentOfAll: percentOf(size), percentOfLiving: percentOf(living.length) };
}

/** Whether these voters suspend the seats. If they do not, the governor must refuse to go on, now and after the vote. */
async function suspends(world: BenchWorld, proposal: GovernanceHelper, voters: readonly BenchNode[]): Promise<boolean> {
  const start = await networkHelpers.takeSnapshot();
  await send(world.governor, voters[0]?.agent, await decideCall(world, proposal, voters));
  const isExecuted = (await proposal.state()) === State.executed;
  if (!isExecuted) {
    await expectRefused(proposal, State.active);
    await proposal.waitForEnd();
    await expectRefused(proposal, State.defeated);
    await expectCounted(world, world.nodes.length);
  }
  await start.restore();
  return isExecuted;
}

/** Expects that the governor does not queue the proposal because it is in this state. */
async function expectRefused(proposal: GovernanceHelper, state: bigint): Promise<void> {
  const [name, , current] = (await revertOf(proposal.queue())) ?? [];
  if (name === "GovernorUnexpectedProposalState" && current === state) return;
  throw new Error(`the governor answers ${name} in state ${current}`);
}

/** Expects that so many seats are counted now. */
async function expectCounted({ registry }: BenchWorld, seats: number): Promise<void> {
  const presences = NodePresence__factory.connect(await registry.presences(), ethers.provider);
  const counted = await presences.countedOf(await registry.epoch(), await registry.presence(), false);
  if (counted !== BigInt(seats)) throw new Error(`${counted} seats are counted, not ${seats}`);
}

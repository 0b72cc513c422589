import type { BaseContract } from "ethers";
import type { INodeGovernor } from "../../../src/ports/chain/bindings/index.js";
import { wordsOf } from "../../../src/ports/chain/bitset.js";
import { ballotContextOf, ballotDigestOf } from "../../../test/harness/contracts/ballots.js";
import { ethers, networkHelpers } from "../../../test/harness/contracts/deployGovernance.js";
import {
  type Call,
  directiveOf,
  GovernanceHelper,
  increaseTimeTo,
  Kind,
  Support,
  saltNow,
} from "../../../test/harness/contracts/governanceHelper.js";
import { aggregate, type BenchNode, batchOf } from "./committee.js";
import { type BenchWorld, gasOf } from "./world.js";

/** The beginning of a window that is always the same, in seconds: 1 January 2100. */
const DECIDED_AT = 4_102_444_800;

const WHY = "Deploy v2 to the web fleet";
const EMERGENCY_WHY = "Restart web-3";
const EMERGENCY = { kind: Kind.Restart, evidence: [ethers.id("incident")] };
const DONE = 2;

/** A proposal whose steps return the gas that they used. */
export function proposalOf(governor: INodeGovernor, call: Call) {
  const [targets, values, calldatas] = [[call.target], [0n], [call.data]];
  const encode = (name: "propose" | "queue" | "execute", description: string) =>
    governor.interface.encodeFunctionData(name as "propose", [targets, values, calldatas, description]);
  const proposal = {
    id: 0n,
    async propose(node: BenchNode | undefined): Promise<number> {
      proposal.id = await governor.hashProposal(targets, values, calldatas, ethers.id(WHY));
      return send(governor, node?.agent, encode("propose", WHY));
    },
    async waitForStart(): Promise<void> {
      await networkHelpers.time.increaseTo((await governor.proposalSnapshot(proposal.id)) + 1n);
    },
    async carryOut(): Promise<{ queue: number; execute: number }> {
      const [from] = await ethers.getSigners();
      await networkHelpers.time.increaseTo((await governor.proposalDeadline(proposal.id)) + 1n);
      const queue = await send(governor, from?.address, encode("queue", ethers.id(WHY)));
      await increaseTimeTo(await governor.proposalEta(proposal.id));
      return { queue, execute: await send(governor, from?.address, encode("execute", ethers.id(WHY))) };
    },
  };
  return proposal;
}

export interface Voters {
  readonly for: readonly BenchNode[];
  readonly against?: readonly BenchNode[];
  readonly abstain?: readonly BenchNode[];
}

/** The voters as one set of indices per support, and their aggregated signature. */
async function signed({ governor }: BenchWorld, id: bigint, { for: first, against = [], abstain = [] }: Voters) {
  const [against_, for_] = [
    await governor.aggregateBallotDigest(id, Support.against),
    await governor.aggregateBallotDigest(id, Support.for),
  ];
  const sign = (nodes: readonly BenchNode[], digest: string) =>
    nodes.map(({ secret }) => secret.sign(ethers.getBytes(digest)));
  const signature = aggregate([...sign([...first, ...abstain], for_), ...sign([...against, ...abstain], against_)]);
  const bits = (nodes: readonly BenchNode[]) => wordsOf(nodes.map(({ index }) => index));
  return { signers: { forBits: bits(first), againstBits: bits(against), abstainBits: bits(abstain) }, signature };
}

/** The call that counts one aggregate of ballots. */
export async function aggregateCall(world: BenchWorld, id: bigint, voters: Voters): Promise<string> {
  const { signers, signature } = await signed(world, id, voters);
  return world.governor.interface.encodeFunctionData("castVotesByAggregate", [id, signers, signature]);
}

export async function castByAggregate(world: BenchWorld, id: bigint, voters: Voters): Promise<number> {
  return send(world.governor, world.nodes[0]?.agent, await aggregateCall(world, id, voters));
}

/** The call that counts ballots For, which their voters signed one by one. */
export async function batchCall({ governor }: BenchWorld, id: bigint, voters: readonly BenchNode[]): Promise<string> {
  const context = await ballotContextOf(governor, id);
  const ballots = batchOf(voters, Support.for, (index) => ballotDigestOf(context, Support.for, index));
  return governor.interface.encodeFunctionData("castVotesBySig", [id, ballots]);
}

/** Ballots that their voters signed one by one, in one transaction. */
export async function castBatch(world: BenchWorld, id: bigint, voters: readonly BenchNode[]): Promise<number> {
  return send(world.governor, voters[0]?.agent, await batchCall(world, id, voters));
}

/** Goes to the window in which all decisions of the fast lane begin. */
export async function beginDecisions(): Promise<void> {
  // The window is part of the id, and the id of the signatures, whose zero bytes cost less.
  if ((await networkHelpers.time.latest()) < DECIDED_AT) await networkHelpers.time.increaseTo(DECIDED_AT);
}

/** The call that opens a proposal, counts the ballots of all of `voters` and executes it. */
export async function decideCall(
  world: BenchWorld,
  { id, targets, values, calldatas, description }: GovernanceHelper,
  voters: readonly BenchNode[],
): Promise<string> {
  const { signers, signature } = await signed(world, id, { for: voters });
  const words = [targets, values, calldatas, description, signers, signature] as const;
  return world.governor.interface.encodeFunctionData("decide", [...words]);
}

/** The calls that open an emergency directive, and that open, decide and issue it in one transaction. */
export async function emergencyCalls(world: BenchWorld, voters: readonly BenchNode[]) {
  const { governor, directives, ours } = world;
  await beginDecisions();
  const directive = directiveOf({ ...EMERGENCY, salt: await saltNow() });
  const data = directives.interface.encodeFunctionData("issue", [directive]);
  const proposal = await new GovernanceHelper(governor, [{ target: ours.target, data }], EMERGENCY_WHY).withId();
  const { id, targets, values, calldatas, description } = proposal;
  return {
    id,
    open: governor.interface.encodeFunctionData("propose", [targets, values, calldatas, description]),
    decide: await decideCall(world, proposal, voters),
  };
}

/** Opens, decides and issues an emergency directive in one transaction. */
export async function decideAtOnce(world: BenchWorld, voters: readonly BenchNode[]): Promise<number> {
  const { decide } = await emergencyCalls(world, voters);
  return send(world.governor, world.nodes[1]?.agent, decide);
}

/** The calls that report that the directive of {@link decideAtOnce} is done: of one node, and of many together. */
export async function reportCalls({ directives }: BenchWorld, attesting: readonly BenchNode[]) {
  const id = await directives.lastIssued(directiveOf(EMERGENCY).subject);
  const outcome = ethers.id("outcome");
  const digest = ethers.getBytes(await directives.reportDigest(id, DONE, outcome));
  return {
    one: directives.interface.encodeFunctionData("report", [id, DONE, outcome]),
    together: directives.interface.encodeFunctionData("reportByAggregate", [
      ...([id, DONE, outcome, wordsOf(attesting.map(({ index }) => index))] as const),
      aggregate(attesting.map(({ secret }) => secret.sign(digest))),
    ]),
  };
}

/** Reports in one transaction, for all of `attesting`, that the directive of {@link decideAtOnce} is done. */
export async function attestTogether(world: BenchWorld, attesting: readonly BenchNode[]): Promise<number> {
  const { together } = await reportCalls(world, attesting);
  return send(world.directives, world.nodes[2]?.agent, together);
}

/** Sends a transaction and returns what gas it used. */
export async function send(to: BaseContract, from: string | undefined, data: string): Promise<number> {
  if (from === undefined) throw new Error("the transaction has no sender");
  return gasOf(from, await to.getAddress(), data);
}

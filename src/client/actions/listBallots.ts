import { raceSignal } from "race-signal";
import { indicesOf } from "../../ports/chain/bitset.js";
import type { ChainEventOf } from "../../ports/chain/index.js";
import { type Address, type Hex, type Support, Supports } from "../../records/index.js";
import type { ClientContext } from "../client.js";
import { agentOf, indicesIn, reorganised } from "../nodes/membership.js";
import type { NodeSummary } from "../nodes/node.js";
import type { ProposalId } from "../proposals/proposal.js";
import { findCreated } from "../proposals/readProposal.js";

/** A vote that counted. */
export interface CastBallot {
  readonly voter: Address;
  /** The index under which the voter was a member of the proposal's committee. */
  readonly index: number;
  readonly support: Support;
  /** Empty if the voter gave no reason, and for ballots that were counted together. */
  readonly reason: string;
  readonly transactionHash: Hex;
  readonly blockNumber: number;
}

export interface ListBallotsParameters {
  readonly proposalId: ProposalId;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Lists the votes on a proposal, with voter and reason, in the order of the chain; ballots that were counted together in the
 * order of their indices.
 *
 * @throws {@link UnknownProposalError}; ChainError.
 * @example
 * for (const { voter, support, reason } of await client.listBallots({ proposalId })) console.log(voter, support, reason);
 */
export async function listBallots(
  client: ClientContext,
  { proposalId, signal }: ListBallotsParameters,
): Promise<CastBallot[]> {
  return raceSignal(readBallots(client, proposalId), signal);
}

async function readBallots(client: ClientContext, proposalId: ProposalId): Promise<CastBallot[]> {
  const { chain, membership } = client;
  const { blockNumber: fromBlock } = await findCreated(client, proposalId);
  const topic: Hex = `0x${BigInt(proposalId).toString(16).padStart(64, "0")}`;
  const [cast, [opened, ...counted]] = await Promise.all([
    // In the event of a single ballot the voter is indexed, and the proposal is not.
    chain.events({ names: ["VoteCast", "VoteCastWithParams"], fromBlock }),
    chain.events({ names: ["ProposalOpened", "BallotsCounted"], topics: [topic], fromBlock }),
  ]);
  if (opened?.name !== "ProposalOpened") throw reorganised();
  const single = cast.filter(({ args }) => args.proposalId.toString() === proposalId);
  const together = counted.filter((event) => event.name === "BallotsCounted");
  const nodes = await membership.read();
  const indexOf = indicesIn(nodes, Number(opened.args.epoch));
  return [...single, ...together]
    .sort((a, b) => a.blockNumber - b.blockNumber || a.logIndex - b.logIndex)
    .flatMap((event) => (event.name === "BallotsCounted" ? ballotsOf(event, nodes) : ballotOf(event, indexOf)));
}

function ballotOf(
  { args, transactionHash, blockNumber }: ChainEventOf<"VoteCast" | "VoteCastWithParams">,
  indexOf: (account: string) => number,
): CastBallot {
  return {
    voter: args.voter as Address,
    index: indexOf(args.voter),
    support: Supports[Number(args.support)] ?? "abstain",
    reason: args.reason,
    transactionHash,
    blockNumber,
  };
}

function ballotsOf(
  { args, transactionHash, blockNumber }: ChainEventOf<"BallotsCounted">,
  nodes: readonly NodeSummary[],
): CastBallot[] {
  const bits = { for: args.forBits, against: args.againstBits, abstain: args.abstainBits };
  return Supports.flatMap((support) => indicesOf(bits[support]).map((index) => ({ index, support })))
    .sort((a, b) => a.index - b.index)
    .map(({ index, support }) => ({
      voter: agentOf(nodes, index),
      index,
      support,
      reason: "",
      transactionHash,
      blockNumber,
    }));
}

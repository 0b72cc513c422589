import { aggregateSignatures, type SecretKey, type Signature } from "@chainsafe/blst";
import type { HardhatEthersSigner } from "@nomicfoundation/hardhat-ethers/types";
import {
  type ContractTransactionResponse,
  concat,
  dataLength,
  Signature as EcdsaSignature,
  getBytes,
  TypedDataEncoder,
  toBeHex,
  zeroPadValue,
} from "ethers";
import type { INodeGovernor } from "../../../src/ports/chain/bindings/index.js";
import { secretOf } from "./eip2537.js";

/** The ballots of an aggregate, as indices of nodes by support. */
export interface BallotsOfNodes {
  for?: readonly number[];
  against?: readonly number[];
  abstain?: readonly number[];
}

/** `Signers` of the contracts: sets of indices, 256 to a word. */
export interface SignerSets {
  forBits: bigint[];
  againstBits: bigint[];
  abstainBits: bigint[];
}

/** What a ballot's signature covers besides its support. */
export interface BallotContext {
  domain: { name: string; version: string; chainId: bigint; verifyingContract: string };
  proposalId: bigint;
}

/** A Hardhat signer or a wallet. */
export interface TypedDataSigner {
  signTypedData(domain: BallotContext["domain"], types: typeof BALLOT, value: Record<string, unknown>): Promise<string>;
}

/** One ballot of a batch. */
export interface BatchEntry {
  index: number;
  support: number;
  voter: TypedDataSigner;
}

const BALLOT = {
  Ballot: [
    { name: "proposalId", type: "uint256" },
    { name: "support", type: "uint8" },
    { name: "index", type: "uint32" },
  ],
};
const AGGREGATE_BALLOT = {
  AggregateBallot: [
    { name: "proposalId", type: "uint256" },
    { name: "support", type: "uint8" },
  ],
};
const FIELD_BYTES = 48;

/** The set as words of 256 bits, without zero words at its end. */
export function bitmap(indices: Iterable<number>): bigint[] {
  const words: bigint[] = [];
  for (const index of indices) {
    const position = index >> 8;
    while (words.length <= position) words.push(0n);
    words[position] = (words[position] ?? 0n) | (1n << BigInt(index & 0xff));
  }
  return words;
}

export function signersOf(ballots: BallotsOfNodes): SignerSets {
  return {
    forBits: bitmap(ballots.for ?? []),
    againstBits: bitmap(ballots.against ?? []),
    abstainBits: bitmap(ballots.abstain ?? []),
  };
}

/** The context on Hardhat's chain, computed without the contract. */
export async function ballotContextOf(governor: INodeGovernor, proposalId: bigint): Promise<BallotContext> {
  const verifyingContract = await governor.getAddress();
  return { domain: { name: "NodeGovernor", version: "1", chainId: 31_337n, verifyingContract }, proposalId };
}

/** What a node's BLS key signs. */
export function digestOf({ domain, proposalId }: BallotContext, support: number): string {
  return TypedDataEncoder.hash(domain, AGGREGATE_BALLOT, { proposalId, support });
}

/** What the operator of the node `index` signs. */
export function ballotDigestOf({ domain, proposalId }: BallotContext, support: number, index: number): string {
  return TypedDataEncoder.hash(domain, BALLOT, { proposalId, support, index });
}

/** The operator's signature over its ballot, 65 bytes. */
export function signBallotOf({ domain, proposalId }: BallotContext, { index, support, voter }: BatchEntry) {
  return voter.signTypedData(domain, BALLOT, { proposalId, support, index });
}

/** The first BLS key of the node with this index. */
export function secretOfNode(index: number): SecretKey {
  return secretOf(`key ${index}`);
}

/** The sum of the nodes' signatures; an abstaining node signs For and Against. */
export function aggregate(context: BallotContext, ballots: BallotsOfNodes, secret = secretOfNode): string {
  const parts: Signature[] = [];
  const signBy = (indices: readonly number[] = [], support: number) => {
    const digest = getBytes(digestOf(context, support));
    for (const index of indices) parts.push(secret(index).sign(digest));
  };
  signBy(ballots.for, 1);
  signBy(ballots.against, 0);
  signBy(ballots.abstain, 1);
  signBy(ballots.abstain, 0);
  return encodeSum(parts);
}

/** The sum of the signatures over one digest by each of these keys. */
export function aggregateOver(digest: string, secrets: Iterable<SecretKey>): string {
  return encodeSum(Array.from(secrets, (secret) => secret.sign(getBytes(digest))));
}

/** The argument of `castVotesBySig`, in the order of `entries`. */
export async function batchOf(context: BallotContext, entries: readonly BatchEntry[]): Promise<string> {
  return concat(await Promise.all(entries.map((entry) => encodeEntry(context, entry))));
}

/** One entry of `castVotesBySig`. */
export function entryOf(index: number, support: number, signature: string): string {
  return concat([toBeHex(index, 4), toBeHex(support, 1), toBeHex(dataLength(signature), 2), signature]);
}

async function encodeEntry(context: BallotContext, entry: BatchEntry): Promise<string> {
  const { compactSerialized } = EcdsaSignature.from(await signBallotOf(context, entry));
  return entryOf(entry.index, entry.support, compactSerialized);
}

/** The sum in EIP-2537's encoding, 256 bytes; blst writes x.c1, x.c0, y.c1, y.c0 of 48 bytes each. */
function encodeSum(parts: Signature[]): string {
  const bytes = aggregateSignatures(parts).toBytes(false);
  const fields = [1, 0, 3, 2].map((i) => bytes.slice(i * FIELD_BYTES, (i + 1) * FIELD_BYTES));
  return concat(fields.map((field) => zeroPadValue(field, 64)));
}

/** The functions of the governor that take ballots. */
export const BALLOT_PATHS = ["castVote", "castVoteBySig", "castVotesBySig", "castVotesByAggregate"] as const;
export type BallotPath = (typeof BALLOT_PATHS)[number];

/** Casts one node's ballot by one of the paths. */
export async function castBy(
  path: BallotPath,
  governor: INodeGovernor,
  proposalId: bigint,
  { index, support, voter }: BatchEntry & { voter: HardhatEthersSigner },
): Promise<ContractTransactionResponse> {
  const context = await ballotContextOf(governor, proposalId);
  if (path === "castVote") return governor.connect(voter).castVote(proposalId, support);
  if (path === "castVoteBySig") {
    const signature = await signBallotOf(context, { index, support, voter });
    return governor.castVoteBySig(proposalId, support, voter.address, signature);
  }
  if (path === "castVotesBySig") {
    return governor.castVotesBySig(proposalId, await batchOf(context, [{ index, support, voter }]));
  }
  const ballots = ballotsOf([[index, support]]);
  return governor.castVotesByAggregate(proposalId, signersOf(ballots), aggregate(context, ballots));
}

/** Groups pairs of index and support by support. */
export function ballotsOf(pairs: Iterable<readonly [index: number, support: number]>): Required<BallotsOfNodes> {
  const ballots = { for: [] as number[], against: [] as number[], abstain: [] as number[] };
  for (const [index, support] of pairs) [ballots.against, ballots.for, ballots.abstain][support]?.push(index);
  return ballots;
}

/** The tally of a proposal, and the indices below `bound` that have voted. */
export async function countOf(governor: INodeGovernor, proposalId: bigint, bound: number) {
  const [against, pro, abstain] = await governor.proposalVotes(proposalId);
  const indices = Array.from({ length: bound }, (_, index) => index);
  const voted = await Promise.all(indices.map((index) => governor.hasIndexVoted(proposalId, index)));
  return { for: pro, against, abstain, voted: indices.filter((index) => voted[index]) };
}

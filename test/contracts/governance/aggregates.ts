import { aggregateSignatures, type SecretKey, type Signature } from "@chainsafe/blst";
import type { HardhatEthersSigner } from "@nomicfoundation/hardhat-ethers/types";
import {
  type ContractTransactionResponse,
  concat,
  Signature as EcdsaSignature,
  getBytes,
  Interface,
  TypedDataEncoder,
  toBeHex,
  zeroPadValue,
} from "ethers";
import {
  IDirectiveRegistry__factory,
  IKnowledgeRegistry__factory,
  type INodeGovernor,
  NodeGovernor__factory,
  NodeRegistry__factory,
} from "../../../src/ports/chain/bindings/index.js";
import { secretOf } from "../libraries/eip2537.js";

/** Whose ballots an aggregate is made of, by the indices of the nodes. */
export interface Ballots {
  for?: readonly number[];
  against?: readonly number[];
  abstain?: readonly number[];
}

/** `Signers` as contracts take them: sets of indices, 256 to a word. */
export interface Signers {
  forBits: bigint[];
  againstBits: bigint[];
  abstainBits: bigint[];
}

/** What a ballot binds beside its support. */
export interface Poll {
  domain: { name: string; version: string; chainId: bigint; verifyingContract: string };
  proposalId: bigint;
}

/** Anybody who signs with an account: a signer of Hardhat's, or a wallet. */
export interface Account {
  signTypedData(domain: Poll["domain"], types: typeof BALLOT, value: Record<string, unknown>): Promise<string>;
}

/** One ballot of a batch. */
export interface Entry {
  index: number;
  support: number;
  voter: Account;
}

const BALLOT = {
  Ballot: [
    { name: "proposalId", type: "uint256" },
    { name: "support", type: "uint8" },
  ],
};
const FIELD_BYTES = 48;

/** The set as contracts want it: no zero word at its end. */
export function bitmap(indices: Iterable<number>): bigint[] {
  const words: bigint[] = [];
  for (const index of indices) {
    const position = index >> 8;
    while (words.length <= position) words.push(0n);
    words[position] = (words[position] ?? 0n) | (1n << BigInt(index & 0xff));
  }
  return words;
}

export function signersOf(ballots: Ballots): Signers {
  return {
    forBits: bitmap(ballots.for ?? []),
    againstBits: bitmap(ballots.against ?? []),
    abstainBits: bitmap(ballots.abstain ?? []),
  };
}

/** Hardhat's chain; worked out without the contract's help. */
export async function pollOf(governor: INodeGovernor, proposalId: bigint): Promise<Poll> {
  const verifyingContract = await governor.getAddress();
  return { domain: { name: "NodeGovernor", version: "1", chainId: 31_337n, verifyingContract }, proposalId };
}

export function digestOf({ domain, proposalId }: Poll, support: number): string {
  return TypedDataEncoder.hash(domain, BALLOT, { proposalId, support });
}

/** Of the node with this index, unless its key was rotated. */
export function secretOfNode(index: number): SecretKey {
  return secretOf(`key ${index}`);
}

/** The sum of what all of these nodes sign; those who abstain sign twice. */
export function aggregate(poll: Poll, ballots: Ballots, secret = secretOfNode): string {
  const parts: Signature[] = [];
  const signBy = (indices: readonly number[] = [], support: number) => {
    const digest = getBytes(digestOf(poll, support));
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

/** What `castVotesBySig` takes, in the order that is given. */
export async function batchOf(poll: Poll, entries: readonly Entry[]): Promise<string> {
  return concat(await Promise.all(entries.map((entry) => encodeEntry(poll, entry))));
}

async function encodeEntry({ domain, proposalId }: Poll, { index, support, voter }: Entry): Promise<string> {
  const { r, yParityAndS } = EcdsaSignature.from(await voter.signTypedData(domain, BALLOT, { proposalId, support }));
  return concat([toBeHex(index, 4), toBeHex(support, 1), r, yParityAndS]);
}

/** EIP-2537's encoding, 256 bytes, of the sum. blst writes x.c1, x.c0, y.c1, y.c0 of 48 bytes each. */
function encodeSum(parts: Signature[]): string {
  const bytes = aggregateSignatures(parts).toBytes(false);
  const fields = [1, 0, 3, 2].map((i) => bytes.slice(i * FIELD_BYTES, (i + 1) * FIELD_BYTES));
  return concat(fields.map((field) => zeroPadValue(field, 64)));
}

/** The ways in which a ballot reaches the tally. */
export const PATHS = ["castVote", "castVoteBySig", "castVotesBySig", "castVotesByAggregate"] as const;
export type Path = (typeof PATHS)[number];

/** A node's ballot, on its own, by one of the paths. */
export async function castBy(
  path: Path,
  governor: INodeGovernor,
  proposalId: bigint,
  { index, support, voter }: Entry & { voter: HardhatEthersSigner },
): Promise<ContractTransactionResponse> {
  const poll = await pollOf(governor, proposalId);
  if (path === "castVote") return governor.connect(voter).castVote(proposalId, support);
  if (path === "castVoteBySig") {
    const signature = await voter.signTypedData(poll.domain, BALLOT, { proposalId, support });
    return governor.castVoteBySig(proposalId, support, voter.address, signature);
  }
  if (path === "castVotesBySig") {
    return governor.castVotesBySig(proposalId, await batchOf(poll, [{ index, support, voter }]));
  }
  const ballots = ballotsOf([[index, support]]);
  return governor.castVotesByAggregate(proposalId, signersOf(ballots), aggregate(poll, ballots));
}

/** Sorts pairs of index and support. */
export function ballotsOf(pairs: Iterable<readonly [index: number, support: number]>): Required<Ballots> {
  const ballots = { for: [] as number[], against: [] as number[], abstain: [] as number[] };
  for (const [index, support] of pairs) [ballots.against, ballots.for, ballots.abstain][support]?.push(index);
  return ballots;
}

const KNOWN = [
  NodeGovernor__factory.abi,
  NodeRegistry__factory.abi,
  IDirectiveRegistry__factory.abi,
  IKnowledgeRegistry__factory.abi,
].map((abi) => new Interface(abi.filter(({ type }) => type === "error")));

/** The name and arguments of the error of our contracts that `attempt` reverts with; undefined where it does not. */
export async function refusalOf(attempt: Promise<unknown>): Promise<unknown[] | undefined> {
  try {
    await attempt;
    return undefined;
  } catch (error) {
    const data = dataOf(error);
    for (const known of KNOWN) {
      const parsed = data === undefined ? null : known.parseError(data);
      if (parsed) return [parsed.name, ...parsed.args];
    }
    throw error;
  }
}

function dataOf(error: unknown): string | undefined {
  for (let cause: unknown = error; cause instanceof Object; cause = (cause as { cause?: unknown }).cause) {
    const { data } = cause as { data?: unknown };
    if (typeof data === "string") return data;
  }
  return undefined;
}

/** All that is known of a poll's ballots: the tally, and the indices below `bound` that have voted. */
export async function countOf(governor: INodeGovernor, proposalId: bigint, bound: number) {
  const [against, pro, abstain] = await governor.proposalVotes(proposalId);
  const indices = Array.from({ length: bound }, (_, index) => index);
  const voted = await Promise.all(indices.map((index) => governor.hasIndexVoted(proposalId, index)));
  return { for: pro, against, abstain, voted: indices.filter((index) => voted[index]) };
}

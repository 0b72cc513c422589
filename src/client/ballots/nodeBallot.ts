import { InvalidInputError } from "../../errors.js";
import { wordsOf } from "../../ports/chain/bitset.js";
import { encodeG2, loadBls } from "../../ports/keys/index.js";
import type { Hex, Support } from "../../records/index.js";
import type { ProposalId } from "../proposals/proposal.js";
import { supportNumber } from "./ballot.js";

/** Below the 16,777,216 gas that a transaction may use (EIP-7825) at 7,600 gas a ballot. */
export const MAX_BALLOTS_PER_BATCH = 2_000;

/**
 * One node's ballot, which any account may bring to the governor together with others. Its signature is the account's, over the
 * digest of {@link signBallot} without a reason (64 bytes, EIP-2098), or that of the node's BLS key (96 bytes, compressed; a
 * node that abstains adds up its signatures for and against).
 */
export interface NodeBallot {
  readonly proposalId: ProposalId;
  /** The node's index in the registry. */
  readonly index: number;
  readonly support: Support;
  readonly signature: Uint8Array;
}

/** How ballots are signed: by BLS keys, which add up to one signature, or by accounts. */
export type BallotScheme = "bls" | "account";

const SCHEME_OF_LENGTH: Readonly<Record<number, BallotScheme>> = { 96: "bls", 64: "account" };

/** How a ballot is signed; undefined if its signature has neither length. */
export function schemeOf({ signature }: Pick<NodeBallot, "signature">): BallotScheme | undefined {
  return SCHEME_OF_LENGTH[signature.length];
}

/** The sets of voters and the aggregate signature, as the governor's function expects them. */
export async function aggregateBallots(ballots: readonly NodeBallot[]) {
  const bls = await loadBls();
  const setOf = (support: Support) =>
    wordsOf(ballots.filter((ballot) => ballot.support === support).map(({ index }) => index));
  return {
    signers: { forBits: setOf("for"), againstBits: setOf("against"), abstainBits: setOf("abstain") },
    signature: encodeG2(bls.aggregate(ballots.map(({ signature }) => signature))),
  };
}

/** The one scheme by which these ballots are signed. @throws {@link InvalidInputError} if they are signed in different ways. */
export function checkBallots(proposalId: ProposalId, ballots: readonly NodeBallot[]): BallotScheme {
  const [first] = ballots;
  const scheme = first && schemeOf(first);
  if (scheme === undefined || ballots.some((ballot) => schemeOf(ballot) !== scheme)) {
    throw new InvalidInputError("Ballots that are cast together are signed in one way, and there is at least one.");
  }
  if (ballots.some((ballot) => ballot.proposalId !== proposalId)) {
    throw new InvalidInputError("Ballots that are cast together are on one proposal.");
  }
  if (new Set(ballots.map(({ index }) => index)).size !== ballots.length) {
    throw new InvalidInputError("A node has one ballot.");
  }
  return scheme;
}

/** Entries in ascending order of indices: index (4 bytes), support (1), length of the signature (2), the signature. */
export function packBallots(ballots: readonly NodeBallot[]): Hex {
  const entries = [...ballots]
    .sort((a, b) => a.index - b.index)
    .map(({ index, support, signature }) => {
      const head = index.toString(16).padStart(8, "0") + supportNumber(support).toString(16).padStart(2, "0");
      const length = signature.length.toString(16).padStart(4, "0");
      return head + length + Buffer.from(signature).toString("hex");
    });
  return `0x${entries.join("")}`;
}

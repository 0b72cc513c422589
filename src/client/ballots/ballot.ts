import { InvalidInputError } from "../../errors.js";
import type { Address, Hex } from "../../records/index.js";
import { type Support, Supports } from "../../records/index.js";
import type { ProposalId } from "../proposals/proposal.js";

/** A reason is written on chain, and each byte of it costs gas. */
const MAX_REASON_BYTES = 1_024;

/** How one node votes on a proposal. */
export interface Ballot {
  readonly proposalId: ProposalId;
  readonly support: Support;
  /** At most 1,024 bytes. It is written on chain for all to read. */
  readonly reason?: string | undefined;
}

/** One node's vote, signed. Any account may send it to the governor; it counts once. */
export interface SignedBallot {
  readonly proposalId: ProposalId;
  readonly support: Support;
  /** Signed along with the vote; absent if the voter gave none. */
  readonly reason?: string;
  readonly voter: Address;
  /** The voter's index in the proposal's epoch. */
  readonly index: number;
  readonly signature: Hex;
}

/** The contract's number for a support. @throws {@link InvalidInputError} if it is no support. */
export function supportNumber(support: Support): number {
  const number = Supports.indexOf(support);
  if (number >= 0) return number;
  throw new InvalidInputError(`A ballot is one of ${Supports.join(", ")}, not "${support}".`);
}

/** @throws {@link InvalidInputError} for a reason of over 1,024 bytes. */
export function checkReason(reason: string | undefined): void {
  const { length } = new TextEncoder().encode(reason ?? "");
  if (length <= MAX_REASON_BYTES) return;
  throw new InvalidInputError(`A reason has at most ${MAX_REASON_BYTES} bytes; this one has ${length}.`);
}

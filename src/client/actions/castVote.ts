import { InvalidInputError } from "../../errors.js";
import type { Receipt } from "../../ports/chain/index.js";
import { type Support, Supports } from "../../records/index.js";
import type { ClientContext } from "../client.js";
import type { ProposalId } from "../proposals/proposal.js";
import { requireAccount } from "../requireAccount.js";

/** A reason is written on chain and paid for by the byte. */
const MAX_REASON_BYTES = 1_024;

export interface CastVoteParameters {
  readonly proposalId: ProposalId;
  readonly support: Support;
  /** For the others, and for ever: it is written on chain. At most 1,024 bytes. */
  readonly reason?: string | undefined;
}

/**
 * Casts the caller's one vote on a proposal.
 *
 * @throws ContractRevertError, such as `GovernorAlreadyCastVote`, `GovernorNotMember` or
 * `GovernorUnexpectedProposalState`; ChainError; {@link InvalidInputError} for a reason that is too long.
 * @example
 * await client.castVote({ proposalId, support: "for", reason: "web-3 does not answer me either" });
 */
export async function castVote(client: ClientContext, parameters: CastVoteParameters): Promise<Receipt> {
  requireAccount(client);
  const { proposalId, support, reason } = parameters;
  const number = supportNumber(support);
  checkReason(reason);
  const { governor } = client.chain.contracts;
  return client.chain.send(() =>
    reason === undefined
      ? governor.castVote(proposalId, number)
      : governor.castVoteWithReason(proposalId, number, reason),
  );
}

/** The contract's number for a support. Throws {@link InvalidInputError} on anything else. */
export function supportNumber(support: Support): number {
  const number = Supports.indexOf(support);
  if (number >= 0) return number;
  throw new InvalidInputError(`A ballot is one of ${Supports.join(", ")}, not "${support}".`);
}

/** Throws {@link InvalidInputError} where a reason is over its bound. */
export function checkReason(reason: string | undefined): void {
  const { length } = new TextEncoder().encode(reason ?? "");
  if (length <= MAX_REASON_BYTES) return;
  throw new InvalidInputError(`A reason has at most ${MAX_REASON_BYTES} bytes; this one has ${length}.`);
}

import { InvalidInputError } from "../../errors.js";
import type { Receipt } from "../../ports/chain/index.js";
import { aggregateBallots, checkBallots, type NodeBallot } from "../ballots/nodeBallot.js";
import type { ClientContext } from "../client.js";
import type { BuiltProposal } from "../proposals/composeProposal.js";
import { requireAccount } from "../transactions/requireAccount.js";
import { sendTransaction } from "../transactions/sendTransaction.js";

export interface DecideProposalParameters {
  /** A proposal of {@link prepareProposal}; others may have opened it already. */
  readonly proposal: BuiltProposal;
  /** Ballots on this proposal, signed by BLS keys: enough For to end a vote on its track at once. */
  readonly ballots: readonly NodeBallot[];
  readonly signal?: AbortSignal | undefined;
}

/**
 * Opens a proposal unless it is open, counts the ballots on it and issues its directive, in one transaction: on tracks whose
 * votes open at once and can end early, such as emergency. If the track has a timelock, the proposal is queued. Ballots that do
 * not decide it count all the same.
 *
 * @throws ContractRevertError, such as `GovernorNoFastLane`, `GovernorWindowPassed`, or `GovernorUnexpectedProposalState` if it has
 * ended; {@link InvalidInputError}; ContentError; KeyError; ChainError.
 * @example
 * const proposal = await client.prepareProposal({ order, evidence });
 * await client.decideProposal({ proposal, ballots });
 */
export async function decideProposal(
  client: ClientContext,
  { proposal, ballots, signal }: DecideProposalParameters,
): Promise<Receipt> {
  requireAccount(client);
  const { block, calls, description, proposalId } = proposal;
  if (checkBallots(proposalId, ballots) !== "bls") {
    throw new InvalidInputError("Ballots that decide a proposal at its opening are signed by BLS keys.");
  }
  await client.content.put(block.bytes, {
    codec: "dag-cbor",
    keep: "payload",
    ...(signal === undefined ? {} : { signal }),
  });
  const { signers, signature } = await aggregateBallots(ballots);
  const { governor } = client.chain.contracts;
  return sendTransaction(
    client,
    () =>
      governor.decide(
        calls.map((call) => call.target),
        calls.map((call) => call.value),
        calls.map((call) => call.data),
        description,
        signers,
        signature,
      ),
    signal,
  );
}

import { isRevert, type Receipt } from "../../ports/chain/index.js";
import type { ClientContext } from "../client.js";
import { ProposalStateError, UnknownProposalError } from "../errors.js";
import { requireAccount } from "../transactions/requireAccount.js";
import { sendTransaction } from "../transactions/sendTransaction.js";
import type { ProposalId, ProposalState } from "./proposal.js";
import { callsOf, findCreated } from "./readProposal.js";
import { stateOf } from "./stateOf.js";

/** Queues or executes a proposal. Any node may do so, and only the first transaction counts. Null if another node was first. */
export async function advanceProposal(
  client: ClientContext,
  proposalId: ProposalId,
  step: {
    readonly verb: "queue" | "execute";
    readonly participle: string;
    /** The state in which the proposal can be queued or executed. */
    readonly from: ProposalState;
    /** The states in which it was queued or executed already. */
    readonly after: readonly ProposalState[];
    readonly signal: AbortSignal | undefined;
  },
): Promise<Receipt | null> {
  requireAccount(client);
  const { chain } = client;
  const created = await findCreated(client, proposalId);
  const state = await stateOf(client, proposalId);
  if (state === undefined) throw new UnknownProposalError(proposalId);
  if (step.after.includes(state)) return null;
  if (state !== step.from) throw new ProposalStateError(proposalId, state, step.participle);

  const calls = callsOf(created);
  try {
    return await sendTransaction(
      client,
      () =>
        chain.contracts.governor[step.verb](
          calls.map((call) => call.target),
          calls.map((call) => call.value),
          calls.map((call) => call.data),
          created.args.descriptionHash,
        ),
      step.signal,
    );
  } catch (error) {
    // Another node was quicker, between our reading and our transaction.
    const overtaken =
      isRevert(
        error,
        "GovernorUnexpectedProposalState",
        "GovernorAlreadyQueuedProposal",
        "TimelockUnexpectedOperationState",
      ) && step.after.includes((await stateOf(client, proposalId)) ?? "Pending");
    if (!overtaken) throw error;
    return null;
  }
}

import { hashDescription, isRevert, type Receipt } from "../../ports/chain/index.js";
import type { ClientContext } from "../client.js";
import { ProposalStateError, UnknownProposalError } from "../errors.js";
import { requireAccount } from "../requireAccount.js";
import type { ProposalId, ProposalState } from "./proposal.js";
import { callsOf, findCreated } from "./readProposal.js";
import { stateOf } from "./stateOf.js";

/** What queueing and executing have in common: any node may do it, and only the first one's transaction counts. */
export async function advanceProposal(
  client: ClientContext,
  proposalId: ProposalId,
  step: {
    readonly verb: "queue" | "execute";
    readonly participle: string;
    /** From where it can be done. */
    readonly from: ProposalState;
    /** Where it is done already. */
    readonly after: readonly ProposalState[];
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
    return await chain.send(() =>
      chain.contracts.governor[step.verb](
        calls.map((call) => call.target),
        calls.map((call) => call.value),
        calls.map((call) => call.data),
        hashDescription(created.args.description),
      ),
    );
  } catch (error) {
    // Another node was quicker, between our look and our transaction.
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

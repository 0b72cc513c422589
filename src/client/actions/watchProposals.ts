import type { ChainEventOf, WatchOptions } from "../../ports/chain/index.js";
import type { ClientContext } from "../client.js";
import type { ProposalId } from "../proposals/proposal.js";

const changes = {
  ProposalCreated: "opened",
  VoteCast: "voted",
  VoteCastWithParams: "voted",
  BallotsCounted: "voted",
  ProposalExtended: "extended",
  ProposalQueued: "queued",
  ProposalExecuted: "executed",
  ProposalCanceled: "canceled",
} as const;
type ProposalEventName = keyof typeof changes;
const names = Object.keys(changes) as ProposalEventName[];

/** A change of a proposal. `event` is also the cursor after which another watch can continue. */
export interface ProposalChange {
  readonly change: (typeof changes)[ProposalEventName];
  readonly proposalId: ProposalId;
  readonly event: ChainEventOf<ProposalEventName>;
}

/**
 * Yields the changes of proposals, in order and each once, from a cursor on, until the signal aborts. A proposal whose time
 * runs out makes no event: compare its deadline with `chain.now()`.
 *
 * @throws ChainError `reorg-too-deep`.
 * @example
 * for await (const { change, proposalId } of client.watchProposals({ signal })) console.log(change, proposalId);
 */
export async function* watchProposals(
  { chain }: Pick<ClientContext, "chain">,
  options: Omit<WatchOptions, "names" | "topics"> = {},
): AsyncGenerator<ProposalChange, void, undefined> {
  for await (const event of chain.watch({ ...options, names })) {
    if (!isProposalEvent(event)) continue;
    yield { change: changes[event.name], proposalId: event.args.proposalId.toString(), event };
  }
}

function isProposalEvent(event: { readonly name: string }): event is ChainEventOf<ProposalEventName> {
  return event.name in changes;
}

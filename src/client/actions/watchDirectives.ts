import type { ChainEventOf, WatchOptions } from "../../ports/chain/index.js";
import type { Hex } from "../../records/index.js";
import type { ClientContext } from "../client.js";

const changes = {
  DirectiveIssued: "issued",
  DirectiveReported: "reported",
  ReportsCounted: "reported",
  DirectiveEnacted: "enacted",
} as const;
type DirectiveEventName = keyof typeof changes;
const names = Object.keys(changes) as DirectiveEventName[];

/** A change of a directive. `event` is also the cursor after which another watch can continue. */
export interface DirectiveChange {
  readonly change: (typeof changes)[DirectiveEventName];
  readonly directiveId: Hex;
  readonly event: ChainEventOf<DirectiveEventName>;
}

/**
 * Yields the changes of directives, in order and each once, from a cursor on, until the signal aborts.
 *
 * @throws ChainError `reorg-too-deep`.
 * @example
 * for await (const { change, directiveId } of client.watchDirectives({ confirmations: 2, signal })) act(directiveId);
 */
export async function* watchDirectives(
  { chain }: Pick<ClientContext, "chain">,
  options: Omit<WatchOptions, "names" | "topics"> = {},
): AsyncGenerator<DirectiveChange, void, undefined> {
  for await (const event of chain.watch({ ...options, names })) {
    if (!isDirectiveEvent(event)) continue;
    yield { change: changes[event.name], directiveId: event.args.directiveId as Hex, event };
  }
}

function isDirectiveEvent(event: { readonly name: string }): event is ChainEventOf<DirectiveEventName> {
  return event.name in changes;
}

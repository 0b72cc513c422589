import { raceSignal } from "race-signal";
import type { ContentId, Hex } from "../../records/index.js";
import type { ClientContext } from "../client.js";

export interface ListIssuedDirectivesParameters {
  readonly signal?: AbortSignal | undefined;
}

/** A directive, from the event that issued it. */
export interface DirectiveReference {
  readonly directiveId: Hex;
  readonly evidence: readonly ContentId[];
  readonly transactionHash: Hex;
  readonly blockNumber: number;
}

/**
 * Lists all directives that were ever issued, oldest first, without their status, which {@link listDirectives} returns.
 *
 * @throws ChainError.
 * @example
 * const cited = (await client.listIssuedDirectives()).flatMap(({ evidence }) => evidence);
 */
export async function listIssuedDirectives(
  { directives }: Pick<ClientContext, "directives">,
  { signal }: ListIssuedDirectivesParameters = {},
): Promise<DirectiveReference[]> {
  const events = await raceSignal(directives.read(), signal);
  return events.map(({ args, transactionHash, blockNumber }) => ({
    directiveId: args.directiveId as Hex,
    evidence: args.directive.evidence as readonly ContentId[],
    transactionHash,
    blockNumber,
  }));
}

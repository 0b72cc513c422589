import { raceSignal } from "race-signal";
import type { Hex } from "../../records/index.js";
import type { ClientContext } from "../client.js";
import type { IssuedDirective } from "../directives/directive.js";
import { findIssued, readDirective } from "../directives/readDirective.js";

export interface GetDirectiveParameters {
  readonly directiveId: Hex;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Reads a directive that was issued, with its status.
 *
 * @throws {@link UnknownDirectiveError}; ChainError.
 * @example
 * const { status, outcome } = await client.getDirective({ directiveId });
 */
export async function getDirective(
  client: ClientContext,
  { directiveId, signal }: GetDirectiveParameters,
): Promise<IssuedDirective> {
  const read = async () => readDirective(client, await findIssued(client, directiveId));
  return raceSignal(read(), signal);
}

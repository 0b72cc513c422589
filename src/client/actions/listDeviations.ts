import { windowDeviation } from "../../policy/index.js";
import type { ClientContext } from "../client.js";
import { deviationsOf } from "../proposals/attempts.js";
import type { Proposal } from "../proposals/proposal.js";

export interface ListDeviationsParameters {
  readonly proposal: Pick<Proposal, "calls" | "descriptionHash" | "directive">;
  /** Whether the mesh carries it out by stages, so that it has a window of its own; false by default. */
  readonly isPlaced?: boolean | undefined;
}

/**
 * Why nodes that see the same would open another proposal than this: sentences for a log; empty if they would open this one.
 * Agents vote For no other.
 *
 * @throws ChainError.
 * @example
 * const deviations = await client.listDeviations({ proposal });
 */
export async function listDeviations(
  client: ClientContext,
  { isPlaced = false, proposal }: ListDeviationsParameters,
): Promise<string[]> {
  const { directive } = proposal;
  if (directive === null) return [];
  const { delay, kind, window } = directive;
  const deviation = windowDeviation(kind, window, isPlaced);
  return [
    ...(delay === 0 ? [] : [`it takes effect ${delay} s after its issue, not at once`]),
    ...(deviation === undefined ? [] : [deviation]),
    ...(await deviationsOf(client, proposal)),
  ];
}

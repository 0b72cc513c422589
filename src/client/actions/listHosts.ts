import { raceSignal } from "race-signal";
import type { Address, Hex } from "../../records/index.js";
import type { ClientContext } from "../client.js";
import { type Host, readHost } from "../nodes/host.js";

export interface ListHostsParameters {
  /** The table as it stood at the end of this block; the newest by default. */
  readonly block?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Lists the hosts of the nodes that have a seat now, by the nodes' indices. A host whose descriptor is not valid is left out: no
 * replica can be placed on it. Reads only what is new since the last call.
 *
 * @throws ChainError.
 * @example
 * const zoneA = (await client.listHosts()).filter(({ labels }) => labels.zone === "a");
 */
export async function listHosts(
  { hosts, membership }: Pick<ClientContext, "hosts" | "membership">,
  { block = Number.POSITIVE_INFINITY, signal }: ListHostsParameters = {},
): Promise<Host[]> {
  const [events, nodes] = await raceSignal(Promise.all([hosts.read(), membership.read()]), signal);
  const newest = new Map<string, Host | undefined>();
  for (const { args, blockNumber } of events) {
    if (blockNumber > block) break;
    const operator = args.operator as Address;
    newest.set(operator.toLowerCase(), readHost(operator, args.descriptor as Hex, blockNumber));
  }
  return nodes
    .filter(({ active }) => active)
    .flatMap(({ operator }) => {
      const host = newest.get(operator.toLowerCase());
      return host === undefined ? [] : [host];
    });
}

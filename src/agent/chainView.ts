import type { Client, IssuedDirective, NodeSummary, Proposal } from "../client/index.js";
import { indicesOf } from "../ports/chain/bitset.js";
import type { Chain } from "../ports/chain/index.js";
import { Committees, NOBODY_SUSPENDED, type SuspendedSeats } from "./aggregation/committees.js";

/** All open proposals: newer ones must not hide older ones, however many one node opens. */
const MAX_PROPOSALS = 100_000;

/** One snapshot of the chain a cycle: all parts of a cycle decide on the same proposals, directives, nodes and time. */
export interface ChainView {
  /** The proposals that have not ended. */
  readonly proposals: readonly Proposal[];
  /** The directives that are issued and have not ended. */
  readonly directives: readonly IssuedDirective[];
  /** Every node that ever was admitted. */
  readonly nodes: readonly NodeSummary[];
  readonly committees: Committees;
  /** The chain's time in seconds since the Unix epoch. */
  readonly chainTime: number;
}

/** Reads the snapshot. */
export async function readChainView(
  client: Pick<Client, "chain" | "listDirectives" | "listNodes" | "listProposals">,
): Promise<ChainView> {
  const [proposals, directives, nodes, chainTime, suspended] = await Promise.all([
    client.listProposals({ states: ["Pending", "Active", "Succeeded", "Queued"], limit: MAX_PROPOSALS }),
    client.listDirectives({ statuses: ["Issued"] }),
    client.listNodes({ includeRemoved: true }),
    client.chain.now(),
    readSuspended(client.chain),
  ]);
  return { proposals, directives, nodes, committees: new Committees(nodes, suspended), chainTime };
}

/** Who is suspended as of the newest block. */
async function readSuspended(chain: Pick<Chain, "contracts" | "read">): Promise<SuspendedSeats> {
  const presence = Number(await chain.read(() => chain.contracts.nodes.presence()));
  if (presence === 0) return NOBODY_SUSPENDED;
  const { presences } = chain.contracts;
  const [bits, newestSuspension] = await Promise.all([
    chain.read(() => presences.suspendedBits(presence)),
    chain.read(() => chain.contracts.nodes.newestSuspension()),
  ]);
  return { presence, indices: new Set(indicesOf(bits)), newestSuspension: Number(newestSuspension) };
}

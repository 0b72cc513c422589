import type { Client } from "../../../client/index.js";
import type { VotePolicy } from "../../../policy/index.js";
import {
  type Address,
  type ContentId,
  type Incident,
  nameOfSubject,
  workloadOfReplica,
} from "../../../records/index.js";
import type { Clock } from "../../../utils/clock.js";
import { createLruCache } from "../../../utils/lruCache.js";
import { sameHex } from "../../../utils/sameHex.js";
import { leaderRank } from "../../aggregation/leaders/leaderSchedule.js";
import { AgentDefaults } from "../../defaults.js";

/** The newest anchors of others that are searched for an incident: it was anchored a moment ago, or not at all. */
const SEARCHED_ANCHORS = 64;
/** A manifest that a peer has comes in milliseconds. */
const MANIFEST_TIMEOUT_MS = 1_000;
/** Incidents whose turns are remembered. */
const MAX_INCIDENTS = 256;
/** Nodes of one machine see an incident within one cycle: a few short steps let one of them go first. */
const LOCAL_STEPS = 3;

export interface IncidentTurnsDependencies {
  readonly self: Address;
  readonly clock: Pick<Clock, "monotonic">;
  readonly client: Pick<Client, "fetchLeaves" | "listAnchors" | "listNodes">;
  /** How long the next node in the leader order waits before it takes over, in milliseconds. */
  readonly takeoverMs: number;
  /** The operators whose word counts for those who do not see a workload themselves, by workload. */
  readonly hosts: VotePolicy["hosts"];
}

/** Whose turn it is: this node's, that of another, or nobody's any more, since another has anchored the incident. */
export type IncidentTurn = "own" | "later" | "anchored";

/**
 * Says when it is this node's turn to anchor an incident that others see too: one anchor serves all of them. An incident that
 * every member sees, from peers' messages, is anchored by one member after the other, `takeoverMs` apart, until it is on
 * chain. One of a replica is seen by the nodes of its machine alone, which nobody can count: each waits for a moment at most.
 * A host whose word others wait for anchors at once.
 */
export class IncidentTurns {
  readonly #dependencies: IncidentTurnsDependencies;
  /** Since when each incident is seen, in monotonic milliseconds. */
  readonly #since = createLruCache<ContentId, number>(MAX_INCIDENTS);
  /** What others have anchored. */
  readonly #anchored = createLruCache<ContentId, true>(MAX_INCIDENTS);

  constructor(dependencies: IncidentTurnsDependencies) {
    this.#dependencies = dependencies;
  }

  /** @param seenBy Whether every member sees the incident, or the nodes of one machine. */
  async of(contentId: ContentId, { subject }: Incident, seenBy: "members" | "machine"): Promise<IncidentTurn> {
    const { client, clock, self, takeoverMs } = this.#dependencies;
    if (this.#anchored.has(contentId)) return "anchored";
    const since = this.#since.get(contentId) ?? clock.monotonic();
    this.#since.set(contentId, since);
    const nodes = await client.listNodes();
    if (seenBy === "machine" && this.#isNamedHost(subject, nodes)) return "own";
    // Neither a node that is silent nor the one that the incident is about would do it.
    const able = nodes.filter(({ index, suspended }) => !suspended && subject !== `node/${index}`);
    const agents = able.map(({ agent }) => agent);
    // A node that is no member has no rank, and its anchor would be refused: the caller learns that by trying.
    const rank = Math.max(0, leaderRank(contentId, agents, self));
    const waitMs = seenBy === "members" ? rank * takeoverMs : Math.min(rank, LOCAL_STEPS) * AgentDefaults.openStepMs;
    if (await this.#isAnchoredByAnother(contentId)) return "anchored";
    return clock.monotonic() - since >= waitMs ? "own" : "later";
  }

  #isNamedHost(subject: string, nodes: readonly { readonly agent: Address; readonly operator: Address }[]): boolean {
    const { hosts, self } = this.#dependencies;
    const name = nameOfSubject(subject);
    const named = hosts[subject.startsWith("replica/") ? workloadOfReplica(name) : name];
    return nodes.some(
      ({ agent, operator }) => sameHex(agent, self) && named?.some((host) => sameHex(host, operator)) === true,
    );
  }

  async #isAnchoredByAnother(contentId: ContentId): Promise<boolean> {
    const { client, self } = this.#dependencies;
    const { entries } = await client.listAnchors({ timeoutMs: MANIFEST_TIMEOUT_MS });
    const others = entries.filter(({ author }) => !sameHex(author, self)).slice(-SEARCHED_ANCHORS);
    const found = await Promise.all(
      others.map(async (anchor) => {
        // A manifest that is out of reach tells nothing: this node anchors the incident itself.
        const leaves = await client.fetchLeaves({ anchor, timeoutMs: MANIFEST_TIMEOUT_MS }).catch(() => []);
        return leaves.some((leaf) => leaf.contentId === contentId);
      }),
    );
    if (!found.includes(true)) return false;
    this.#anchored.set(contentId, true);
    return true;
  }
}

import { createEventCache, type EventCache } from "../ports/chain/events/eventCache.js";
import { createSettledCache, type SettledCache } from "../ports/chain/events/settledCache.js";
import type { Chain } from "../ports/chain/index.js";
import type { ContentStore } from "../ports/content/index.js";
import type { Address, ContentId } from "../records/index.js";
import { type Clock, systemClock } from "../utils/clock.js";
import { type AnchorIndex, createAnchorIndex } from "./anchors/anchorIndex.js";
import type { DirectiveStatus, IssuedDirective } from "./directives/directive.js";
import { createHoldOffs, type HoldOffs } from "./nodes/holdOffs.js";
import { createMembership, type Membership } from "./nodes/membership.js";
import type { ProposalState } from "./proposals/proposal.js";

/** The states that a proposal does not leave, except that a guardian may still cancel a defeated one. */
const EndedStates: readonly ProposalState[] = ["Canceled", "Defeated", "Expired", "Executed"];
const EndedStatuses: readonly DirectiveStatus[] = ["Done", "Failed", "Lapsed"];

/** What every verb of a client gets: the client's collaborators, and what it has read so far. */
export interface ClientContext {
  readonly chain: Chain;
  readonly content: ContentStore;
  readonly clock: Clock;
  /** The account that acts; undefined if the chain was opened for reading. */
  readonly account: Address | undefined;
  /** Which anchor holds which record. */
  readonly anchors: AnchorIndex;
  /** As {@link ClientParameters.locate}. */
  readonly locate: Locate | undefined;
  /** The nodes, present and past. */
  readonly membership: Membership;
  /** Until when nodes that returned cannot be suspended again. */
  readonly holdOffs: HoldOffs;
  /** The events that opened proposals. */
  readonly proposals: EventCache<"ProposalCreated">;
  /** The events that issued directives. */
  readonly directives: EventCache<"DirectiveIssued">;
  /** The events in which hosts described themselves. */
  readonly hosts: EventCache<"HostDescribed">;
  /** The events that accepted models. */
  readonly models: EventCache<"ModelAccepted">;
  /** The final states of proposals that have ended. */
  readonly proposalStates: SettledCache<ProposalState | undefined>;
  /** Directives that have ended. */
  readonly endedDirectives: SettledCache<IssuedDirective>;
}

/** Blocks in which a record may have been anchored, the likeliest first. */
export type Locate = (contentId: ContentId) => Promise<readonly number[]>;

export interface ClientParameters {
  readonly chain: Chain;
  readonly content: ContentStore;
  /**
   * Names blocks that are searched first for the anchor of a record; a catalog can do so. It is a hint: what is found there is
   * checked as everything is, and if it is wrong the search continues. Without it the last twenty thousand anchors are
   * searched, the newest first.
   */
  readonly locate?: Locate | undefined;
  /** Measures timeouts and back-off; the system's clock by default. */
  readonly clock?: Clock | undefined;
}

/** The context that the verbs of one client share, for programs that import single verbs instead of a whole client. */
export function createClientContext(parameters: ClientParameters): ClientContext {
  const { chain, content, locate, clock = systemClock } = parameters;
  const membership = createMembership(chain);
  return {
    chain,
    content,
    clock,
    account: chain.account,
    anchors: createAnchorIndex({ chain, content, clock, membership }),
    locate,
    membership,
    holdOffs: createHoldOffs(chain, membership),
    proposals: createEventCache(chain, ["ProposalCreated"]),
    directives: createEventCache(chain, ["DirectiveIssued"]),
    // All are remembered: the contract bounds how often a host is described.
    hosts: createEventCache(chain, ["HostDescribed"], Number.POSITIVE_INFINITY),
    models: createEventCache(chain, ["ModelAccepted"]),
    proposalStates: createSettledCache((state) => state !== undefined && EndedStates.includes(state)),
    endedDirectives: createSettledCache(({ status }) => EndedStatuses.includes(status)),
  };
}

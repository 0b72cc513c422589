import { createEventCache, type EventCache } from "../ports/chain/events/eventCache.js";
import { createSettledCache, type SettledCache } from "../ports/chain/events/settledCache.js";
import type { Chain } from "../ports/chain/index.js";
import type { ContentStore } from "../ports/content/index.js";
import type { Address, ContentId } from "../records/index.js";
import { type AnchorIndex, createAnchorIndex } from "./anchors/anchorIndex.js";
import type { DirectiveStatus, IssuedDirective } from "./directives/directive.js";
import { createMembership, type Membership } from "./nodes/membership.js";
import type { ProposalState } from "./proposals/proposal.js";

/** A guardian may still cancel what was defeated, of which nothing follows. */
const EndedStates: readonly ProposalState[] = ["Canceled", "Defeated", "Expired", "Executed"];
const EndedStatuses: readonly DirectiveStatus[] = ["Done", "Failed", "Lapsed"];

/** What every verb works with. Made by {@link createClient}, which binds the verbs to it. */
export interface ClientContext {
  readonly chain: Chain;
  readonly content: ContentStore;
  /** Who acts; undefined where the chain was opened for reading. */
  readonly account: Address | undefined;
  /** Which anchor holds which record. */
  readonly anchors: AnchorIndex;
  /** As {@link ClientParameters.locate}. */
  readonly locate: Locate | undefined;
  /** Who the nodes are and were. */
  readonly membership: Membership;
  /** What was proposed. */
  readonly proposals: EventCache<"ProposalCreated">;
  /** What was ordered. */
  readonly directives: EventCache<"DirectiveIssued">;
  /** Which models were accepted. */
  readonly models: EventCache<"ModelAccepted">;
  /** How proposals that have ended did. */
  readonly proposalStates: SettledCache<ProposalState | undefined>;
  /** Directives that have ended. */
  readonly endedDirectives: SettledCache<IssuedDirective>;
}

/** Blocks in which a record is said to have been anchored, the likeliest first. */
export type Locate = (contentId: ContentId) => Promise<readonly number[]>;

export interface ClientParameters {
  readonly chain: Chain;
  readonly content: ContentStore;
  /**
   * Where to look first for the anchor of a record, such as what a catalog says. It is a hint: what is found there is
   * checked like everything else, and one that fails is as none. Without it a record is searched for among the last twenty thousand anchors, the newest
   * first.
   */
  readonly locate?: Locate | undefined;
}

/** The context that the verbs of one client share: the chain, the content and what was read of them so far. */
export function createContext({ chain, content, locate }: ClientParameters): ClientContext {
  const membership = createMembership(chain);
  return {
    chain,
    content,
    account: chain.account,
    anchors: createAnchorIndex({ chain, content, membership }),
    locate,
    membership,
    proposals: createEventCache(chain, ["ProposalCreated"]),
    directives: createEventCache(chain, ["DirectiveIssued"]),
    models: createEventCache(chain, ["ModelAccepted"]),
    proposalStates: createSettledCache((state) => state !== undefined && EndedStates.includes(state)),
    endedDirectives: createSettledCache(({ status }) => EndedStatuses.includes(status)),
  };
}

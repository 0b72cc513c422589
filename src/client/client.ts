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
  return new LazyContext({ chain, content, clock, locate });
}

/** Makes each cache when a verb first needs it: a client of which a program wants a few verbs takes a few kilobytes. */
class LazyContext implements ClientContext {
  readonly chain: Chain;
  readonly content: ContentStore;
  readonly clock: Clock;
  readonly account: Address | undefined;
  readonly locate: Locate | undefined;
  #anchors: AnchorIndex | undefined;
  #membership: Membership | undefined;
  #holdOffs: HoldOffs | undefined;
  #proposals: EventCache<"ProposalCreated"> | undefined;
  #directives: EventCache<"DirectiveIssued"> | undefined;
  #hosts: EventCache<"HostDescribed"> | undefined;
  #models: EventCache<"ModelAccepted"> | undefined;
  #proposalStates: SettledCache<ProposalState | undefined> | undefined;
  #endedDirectives: SettledCache<IssuedDirective> | undefined;

  constructor({ chain, clock, content, locate }: Pick<ClientContext, "chain" | "clock" | "content" | "locate">) {
    this.chain = chain;
    this.content = content;
    this.clock = clock;
    this.account = chain.account;
    this.locate = locate;
  }

  get anchors(): AnchorIndex {
    this.#anchors ??= createAnchorIndex(this);
    return this.#anchors;
  }

  get membership(): Membership {
    this.#membership ??= createMembership(this.chain);
    return this.#membership;
  }

  get holdOffs(): HoldOffs {
    this.#holdOffs ??= createHoldOffs(this.chain, this.membership);
    return this.#holdOffs;
  }

  get proposals(): EventCache<"ProposalCreated"> {
    this.#proposals ??= createEventCache(this.chain, ["ProposalCreated"]);
    return this.#proposals;
  }

  get directives(): EventCache<"DirectiveIssued"> {
    this.#directives ??= createEventCache(this.chain, ["DirectiveIssued"]);
    return this.#directives;
  }

  /** All are remembered: the contract bounds how often a host is described. */
  get hosts(): EventCache<"HostDescribed"> {
    this.#hosts ??= createEventCache(this.chain, ["HostDescribed"], Number.POSITIVE_INFINITY);
    return this.#hosts;
  }

  get models(): EventCache<"ModelAccepted"> {
    this.#models ??= createEventCache(this.chain, ["ModelAccepted"]);
    return this.#models;
  }

  get proposalStates(): SettledCache<ProposalState | undefined> {
    this.#proposalStates ??= createSettledCache((state) => state !== undefined && EndedStates.includes(state));
    return this.#proposalStates;
  }

  get endedDirectives(): SettledCache<IssuedDirective> {
    this.#endedDirectives ??= createSettledCache(({ status }) => EndedStatuses.includes(status));
    return this.#endedDirectives;
  }
}

import {
  type Client,
  type Proposal,
  type ProposalId,
  type ProposalState,
  UnknownProposalError,
} from "../../client/index.js";
import type { Clock } from "../../utils/clock.js";
import { createLruCache } from "../../utils/lruCache.js";
import type { CountedSeats } from "../aggregation/countedSeats.js";
import type { ProposalStanding } from "./validator.js";

/** A proposal that is not on chain after this long never will be. */
const UNKNOWN_MS = 600_000;
/** Votes that have ended and of which ballots may still arrive. */
const MAX_ENDED = 4_096;

/** The votes that are open, as they were last read, and those that have ended. */
export class OpenProposals {
  readonly #client: Client;
  readonly #clock: Pick<Clock, "monotonic">;
  readonly #counted: Pick<CountedSeats, "has">;
  readonly #ended = createLruCache<ProposalId, true>(MAX_ENDED);
  readonly #unknownSince = new Map<ProposalId, number>();
  #proposals: ReadonlyMap<ProposalId, Proposal> = new Map();

  constructor(client: Client, clock: Pick<Clock, "monotonic">, counted: Pick<CountedSeats, "has">) {
    this.#client = client;
    this.#clock = clock;
    this.#counted = counted;
  }

  /** @param proposals All that have not ended. */
  update(proposals: readonly Proposal[]): void {
    this.#proposals = new Map(proposals.map((proposal) => [proposal.id, proposal]));
  }

  /** Those in which ballots count now. */
  get active(): readonly Proposal[] {
    return [...this.#proposals.values()].filter(({ state }) => state === "Active");
  }

  /** The proposal, if ballots on it count now. */
  get(proposalId: ProposalId): Proposal | undefined {
    const proposal = this.#proposals.get(proposalId);
    return proposal?.state === "Active" ? proposal : undefined;
  }

  /** How a vote stands; undefined if nothing is known of it. */
  standingOf(proposalId: ProposalId): ProposalStanding | undefined {
    const proposal = this.#proposals.get(proposalId);
    if (proposal !== undefined) {
      return {
        epoch: proposal.rules.epoch,
        open: proposal.state === "Active" || proposal.state === "Pending",
        isCounted: (index) => this.#counted.has(proposal, index),
      };
    }
    return this.#ended.has(proposalId) ? { epoch: 0, open: false } : undefined;
  }

  /** Which of these votes have ended, or have not begun in ten minutes. */
  async ended(proposalIds: readonly ProposalId[]): Promise<ProposalId[]> {
    const closed = proposalIds.filter((proposalId) => this.standingOf(proposalId)?.open === false);
    const unknown = proposalIds.filter((proposalId) => this.standingOf(proposalId) === undefined);
    for (const proposalId of this.#unknownSince.keys()) {
      if (!unknown.includes(proposalId)) this.#unknownSince.delete(proposalId);
    }
    // One reading for all of them: a hostile node can name many that do not exist.
    const onChain = new Set(unknown.length > 0 ? await this.#client.listOpenedProposalIds() : []);
    for (const proposalId of unknown) {
      const state = onChain.has(proposalId) ? await this.#stateOf(proposalId) : undefined;
      // Opened since the snapshot was read.
      if (state === "Active" || state === "Pending") continue;
      if (state !== undefined || this.#isGivenUp(proposalId)) closed.push(proposalId);
    }
    return closed;
  }

  /** The vote has ended, or will not begin. */
  end(proposalId: ProposalId): void {
    this.#unknownSince.delete(proposalId);
    this.#ended.set(proposalId, true);
  }

  #isGivenUp(proposalId: ProposalId): boolean {
    const since = this.#unknownSince.get(proposalId) ?? this.#clock.monotonic();
    this.#unknownSince.set(proposalId, since);
    return this.#clock.monotonic() - since >= UNKNOWN_MS;
  }

  async #stateOf(proposalId: ProposalId): Promise<ProposalState | undefined> {
    try {
      return (await this.#client.getProposal({ proposalId })).state;
    } catch (error) {
      if (error instanceof UnknownProposalError) return undefined;
      throw error;
    }
  }
}

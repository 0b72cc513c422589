import {
  type Client,
  type Proposal,
  type ProposalId,
  type ProposalState,
  UnknownProposalError,
} from "../../client/index.js";
import { ChainClock } from "../aggregation/chainClock.js";
import type { ProposalStanding } from "./validator.js";

/** A proposal that is on chain by then or never. */
const UNKNOWN_MS = 600_000;
/** Votes that have ended and of which ballots may still travel. */
const MAX_ENDED = 4_096;

/** What is known of votes: those that are open, as they were last read, and those that have ended. */
export class OpenProposals {
  readonly #client: Client;
  readonly #now: () => number;
  readonly #clock: ChainClock;
  readonly #ended = new Set<ProposalId>();
  readonly #unknownSince = new Map<ProposalId, number>();
  #proposals: ReadonlyMap<ProposalId, Proposal> = new Map();

  /** @param now Milliseconds. */
  constructor(client: Client, now: () => number) {
    this.#client = client;
    this.#now = now;
    this.#clock = new ChainClock(now);
  }

  /** Takes in the open proposals, and the chain's time in seconds. */
  update(proposals: readonly Proposal[], chainTime: number): void {
    this.#proposals = new Map(proposals.map((proposal) => [proposal.id, proposal]));
    this.#clock.set(chainTime);
  }

  /** Those in which ballots count now. */
  get active(): readonly Proposal[] {
    return [...this.#proposals.values()].filter(({ state }) => state === "Active");
  }

  /** One of them. */
  get(proposalId: ProposalId): Proposal | undefined {
    const proposal = this.#proposals.get(proposalId);
    return proposal?.state === "Active" ? proposal : undefined;
  }

  /** How a vote stands; undefined where nothing is known of it. */
  viewOf(proposalId: ProposalId): ProposalStanding | undefined {
    const proposal = this.#proposals.get(proposalId);
    if (proposal !== undefined) {
      return { epoch: proposal.rules.epoch, open: proposal.state === "Active" || proposal.state === "Pending" };
    }
    return this.#ended.has(proposalId) ? { epoch: 0, open: false } : undefined;
  }

  /** The chain's time in seconds, moved on by the clock since it was last read. */
  chainTime(): number {
    return this.#clock.seconds();
  }

  /** Which of these votes have ended, or have not begun in ten minutes. */
  async over(proposalIds: readonly ProposalId[]): Promise<ProposalId[]> {
    const closed = proposalIds.filter((proposalId) => this.viewOf(proposalId)?.open === false);
    const unknown = proposalIds.filter((proposalId) => this.viewOf(proposalId) === undefined);
    for (const proposalId of this.#unknownSince.keys()) {
      if (!unknown.includes(proposalId)) this.#unknownSince.delete(proposalId);
    }
    // One reading for all of them: a hostile node can name many that do not exist.
    const onChain = new Set(unknown.length > 0 ? await this.#client.listOpenedProposalIds() : []);
    for (const proposalId of unknown) {
      const state = onChain.has(proposalId) ? await this.#stateOf(proposalId) : undefined;
      // Opened since the last look.
      if (state === "Active" || state === "Pending") continue;
      if (state !== undefined || this.#isGivenUp(proposalId)) closed.push(proposalId);
    }
    return closed;
  }

  /** The vote has ended, or will not begin. */
  end(proposalId: ProposalId): void {
    this.#unknownSince.delete(proposalId);
    this.#ended.add(proposalId);
    for (const oldest of this.#ended) {
      if (this.#ended.size <= MAX_ENDED) break;
      this.#ended.delete(oldest);
    }
  }

  #isGivenUp(proposalId: ProposalId): boolean {
    const since = this.#unknownSince.get(proposalId) ?? this.#now();
    this.#unknownSince.set(proposalId, since);
    return this.#now() - since >= UNKNOWN_MS;
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

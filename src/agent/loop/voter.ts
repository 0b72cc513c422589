import { type Client, NotAnchoredError, type Proposal, WrongAuthorError } from "../../client/index.js";
import { messageOf } from "../../errors.js";
import { decide, type EvidenceCheck, type ModelTest, type NodeView, type VotePolicy } from "../../policy/index.js";
import { ChainError, isRevert } from "../../ports/chain/index.js";
import { ContentError } from "../../ports/content/index.js";
import { GossipError } from "../../ports/gossip/index.js";
import {
  type Address,
  type ContentId,
  type DirectivePayload,
  encodePayload,
  InvalidRecordError,
  type Model,
} from "../../records/index.js";
import type { Logger } from "../../utils/logger.js";
import type { BackgroundJobs } from "../backgroundJobs.js";
import type { BallotExchange } from "../ballots/exchange.js";
import { isUnopened } from "../ballots/unopenedProposal.js";
import type { OwnBallots, RecordedBallot } from "../signing/ownBallots.js";

export interface VoterDependencies {
  readonly self: Address;
  readonly client: Client;
  readonly ballots: OwnBallots;
  readonly tasks: BackgroundJobs;
  readonly logger: Logger;
  readonly policy: VotePolicy;
  /** Where ballots are exchanged, so that one transaction brings many; without it this node votes by itself. */
  readonly exchange?: Pick<BallotExchange, "cast" | "needs" | "proves"> | undefined;
  readonly evidenceTimeoutMs: number;
  /** What this node sees at this moment. */
  readonly look: (signal: AbortSignal) => Promise<NodeView>;
  /** Tests a candidate and the model accepted now on this node's held-out data; undefined where it has none. */
  readonly testModel: (
    candidate: Model,
    accepted: Model | undefined,
    signal: AbortSignal,
  ) => Promise<ModelTest | undefined>;
}

/** Decides on open proposals: the evidence first, then what the node sees itself, then one ballot, written down before it is signed. */
export class Voter {
  readonly #dependencies: VoterDependencies;
  /** Proposals on which this node has no opinion of its own. */
  readonly #leftToPeople = new Set<string>();
  /** Proposals whose evidence could not be verified the last time. */
  readonly #doubted = new Set<string>();

  constructor(dependencies: VoterDependencies) {
    this.#dependencies = dependencies;
  }

  /** Starts a decision on every active proposal that this node may vote on and has not. */
  tick(proposals: readonly Proposal[], signal: AbortSignal): void {
    for (const proposal of proposals) {
      if (proposal.state !== "Active") continue;
      this.#dependencies.tasks.start(`vote ${proposal.id}`, () => this.#vote(proposal, signal));
    }
  }

  async #vote(proposal: Proposal, signal: AbortSignal): Promise<void> {
    const { client, ballots, exchange, self, logger } = this.#dependencies;
    const wanted = exchange ? exchange.needs(proposal, self) : this.#mayVote(proposal);
    if (!(await wanted)) return;
    const ballot = ballots.get(proposal.id) ?? (await this.#record(proposal, signal));
    if (ballot === undefined) return;
    if (exchange !== undefined) {
      await exchange.cast(proposal, ballot, self);
      return;
    }
    try {
      const receipt = await client.castVote({
        proposalId: proposal.id,
        support: ballot.support,
        reason: ballot.reason,
      });
      logger.info("voted", { ...ballot, transaction: receipt.hash, gas: receipt.gasUsed });
    } catch (error) {
      // Decided without this node: the others were enough.
      if (!isRevert(error, "GovernorUnexpectedProposalState")) throw error;
      logger.info("the vote ended before this ballot", { proposalId: proposal.id });
    }
  }

  /** Decides and writes it down; undefined where there is nothing to say, or not yet. */
  async #record(proposal: Proposal, signal: AbortSignal): Promise<RecordedBallot | undefined> {
    if (this.#leftToPeople.has(proposal.id)) return undefined;
    const decided = await this.#decide(proposal, signal);
    return decided === undefined ? undefined : this.#dependencies.ballots.record(decided);
  }

  async #mayVote(proposal: Proposal): Promise<boolean> {
    const { client, self } = this.#dependencies;
    const { nodes, governor } = client.chain.contracts;
    if (!(await client.chain.read(() => nodes.isMember(self, proposal.rules.epoch)))) return false;
    return !(await client.chain.read(() => governor.hasVoted(proposal.id, self)));
  }

  async #decide(proposal: Proposal, signal: AbortSignal): Promise<RecordedBallot | undefined> {
    const { look, policy } = this.#dependencies;
    const { payload, disagreements, late } = await this.#readPayload(proposal, signal);
    const evidence = await Promise.all(proposal.evidence.map((contentId) => this.#check(contentId)));
    const absent = evidence.some(({ status }) => status === "unanchored" || status === "missing");
    if ((late || absent) && this.#isTooEarly(proposal)) return undefined;
    const modelTest =
      payload?.order.kind === "AcceptModel" ? await this.#testModel(evidence, payload, signal) : undefined;
    const decision = decide({
      proposal: { kind: proposal.directive?.kind, payload, disagreements, track: proposal.track },
      evidence,
      view: await look(signal),
      ...(modelTest === undefined ? {} : { modelTest }),
      policy,
    });
    if (decision === undefined) {
      this.#leftToPeople.add(proposal.id);
      this.#dependencies.logger.info("left to people", { proposalId: proposal.id, kind: proposal.directive?.kind });
      return undefined;
    }
    // Whoever is for an order sees to it that the order can still be read when it is issued, and afterwards.
    if (payload !== undefined && decision.support === "for") {
      const { bytes } = encodePayload(payload);
      await this.#dependencies.client.content.put(bytes, { codec: "dag-cbor", keep: "payload" });
    }
    return { proposalId: proposal.id, ...decision };
  }

  /**
   * Whether a payload or evidence that is not here may only be on its way: what nobody has opened can wait for it, and
   * what is open is looked at twice.
   */
  #isTooEarly(proposal: Proposal): boolean {
    if (isUnopened(proposal) || !this.#doubted.has(proposal.id)) {
      this.#doubted.add(proposal.id);
      return true;
    }
    return false;
  }

  async #readPayload(
    proposal: Proposal,
    signal: AbortSignal,
  ): Promise<{ payload: DirectivePayload | undefined; disagreements: readonly string[]; late?: boolean }> {
    const { client, evidenceTimeoutMs } = this.#dependencies;
    if (proposal.directive === null) return { payload: undefined, disagreements: ["it issues no directive"] };
    try {
      const limit = AbortSignal.any([signal, AbortSignal.timeout(evidenceTimeoutMs)]);
      const payload = await client.fetchPayload({ contentId: proposal.directive.payload, signal: limit });
      return { payload, disagreements: client.checkProposal({ proposal, payload }).map(({ message }) => message) };
    } catch (error) {
      signal.throwIfAborted();
      const late =
        !(error instanceof InvalidRecordError) && !(error instanceof ContentError && error.kind === "corrupt");
      return { payload: undefined, disagreements: [`its payload cannot be read: ${messageOf(error)}`], late };
    }
  }

  async #check(contentId: ContentId): Promise<EvidenceCheck> {
    try {
      const { client, evidenceTimeoutMs, exchange } = this.#dependencies;
      const record = await client.fetchRecord({ contentId, timeoutMs: evidenceTimeoutMs });
      const accuses = record.kind === "Incident" && record.value.kind === "equivocation";
      // A node that exchanges no ballots has no means to verify them: it looks at the incident no further.
      if (accuses && exchange === undefined) return { contentId, status: "verified" };
      if (accuses && !(await exchange?.proves(record.value))) {
        return { contentId, status: "invalid", reason: "the node it names has not signed both ballots" };
      }
      return { contentId, status: "verified", record };
    } catch (error) {
      // Neither a chain that does not answer nor a node that has too much to do says anything of the evidence.
      if (error instanceof ChainError || error instanceof GossipError) throw error;
      return { contentId, status: evidenceStatus(error), reason: messageOf(error) };
    }
  }

  async #testModel(
    evidence: readonly EvidenceCheck[],
    payload: DirectivePayload,
    signal: AbortSignal,
  ): Promise<ModelTest | undefined> {
    if (payload.order.kind !== "AcceptModel") return undefined;
    const { model, parent } = payload.order;
    const candidate = evidence.find((check) => check.contentId === model)?.record;
    if (candidate?.kind !== "Model") return undefined;
    const accepted = parent === null ? undefined : await this.#dependencies.client.fetchRecord({ contentId: parent });
    return this.#dependencies.testModel(
      candidate.value,
      accepted?.kind === "Model" ? accepted.value : undefined,
      signal,
    );
  }
}

function evidenceStatus(error: unknown): EvidenceCheck["status"] {
  if (error instanceof NotAnchoredError) return "unanchored";
  if (error instanceof WrongAuthorError) return "wrong-author";
  if (error instanceof ContentError) return error.kind === "corrupt" ? "corrupt" : "missing";
  return "invalid";
}

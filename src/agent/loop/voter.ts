import { type Client, NotAnchoredError, type Proposal, WrongAuthorError } from "../../client/index.js";
import { messageOf } from "../../errors.js";
import { decide, type EvidenceCheck, type ModelTest, type NodeView, type VotePolicy } from "../../policy/index.js";
import { ChainError } from "../../ports/chain/index.js";
import { ContentError } from "../../ports/content/index.js";
import { GossipError } from "../../ports/gossip/index.js";
import {
  type Address,
  type ContentId,
  type DirectivePayload,
  encodePayload,
  type Incident,
  InvalidRecordError,
  type Model,
  type Order,
  replicaSubject,
  workloadOfReplica,
  workloadSubject,
} from "../../records/index.js";
import type { Logger } from "../../utils/logger.js";
import type { BackgroundJobs } from "../backgroundJobs.js";
import { isUnopened } from "../ballots/unopenedProposal.js";
import type { InstructionChoice, Instructions } from "../signing/instructions.js";
import type { OwnBallots, RecordedBallot } from "../signing/ownBallots.js";
import { type SigningGuard, subjectOfProposal } from "../signing/signingGuard.js";
import type { ConfirmedFleet } from "../workloads/confirmedFleet.js";
import { judgedFleet } from "../workloads/judgedFleet.js";
import { isPublished, readWorkloadReleases, resolvedBy } from "./releases.js";
import type { BallotStrategy } from "./strategies/strategy.js";

export interface VoterDependencies {
  readonly client: Client;
  /** The journal of what this node has decided: written before a ballot is signed. */
  readonly ownBallots: OwnBallots;
  readonly ballots: BallotStrategy;
  /** Says what may be signed; undefined if the journal alone does. */
  readonly guard?: Pick<SigningGuard, "permits" | "rolledBack"> | undefined;
  readonly jobs: BackgroundJobs;
  readonly logger: Logger;
  readonly policy: VotePolicy;
  /** What the node's operator has said about single proposals; nothing by default. */
  readonly instructions?: Pick<Instructions, "read"> | undefined;
  /** How long the voter waits for evidence before it decides without, in milliseconds. */
  readonly evidenceTimeoutMs: number;
  /** What this node sees at this moment. */
  readonly readNodeView: () => Promise<NodeView>;
  /** Where replicas run at the newest confirmed block; orders on workloads are not judged by it without. */
  readonly fleet?: Pick<ConfirmedFleet, "read"> | undefined;
  /** Tests a candidate and the accepted model on this node's held-out data; undefined if this node has none. */
  readonly testModel: (candidate: Model, accepted: Model | undefined) => Promise<ModelTest | undefined>;
}

/** Evidence, and the block of its anchor. */
type DatedEvidence = EvidenceCheck & { readonly block?: number };

/** Decides on open proposals: first the evidence, then what the node sees itself, then one ballot, journalled before it is signed. */
export class Voter {
  readonly #dependencies: VoterDependencies;
  /** Proposals that policy leaves to people. */
  readonly #leftToPeople = new Set<string>();
  /** Proposals that nodes would not open as things stand; one that waits behind another is looked at again. */
  readonly #deviating = new Set<string>();
  /** Proposals whose payload or evidence was missing at the last check. */
  readonly #doubted = new Set<string>();

  constructor(dependencies: VoterDependencies) {
    this.#dependencies = dependencies;
  }

  /** Starts a decision on every active proposal that this node may vote on and has not. */
  tick(proposals: readonly Proposal[], signal: AbortSignal): void {
    for (const proposal of proposals) {
      if (proposal.state !== "Active") continue;
      this.#dependencies.jobs.start(`vote ${proposal.id}`, () => this.#vote(proposal, signal));
    }
  }

  async #vote(proposal: Proposal, signal: AbortSignal): Promise<void> {
    const { ballots, ownBallots } = this.#dependencies;
    if (!(await ballots.needsBallot(proposal))) return;
    // What is signed stands: an instruction that comes later changes nothing.
    const ballot =
      ownBallots.get(proposal.id) ?? (await this.#adopt(proposal)) ?? (await this.#record(proposal, signal));
    if (ballot !== undefined) await ballots.cast(proposal, ballot);
  }

  /** Records the ballot that this node's key has signed and its journal does not hold; undefined if none is known. */
  async #adopt(proposal: Proposal): Promise<RecordedBallot | undefined> {
    const { ballots, guard, logger, ownBallots } = this.#dependencies;
    const support = ballots.signedOn(proposal);
    if (support === undefined) return undefined;
    const proposalId = proposal.id;
    logger.error("this node's key has signed a ballot that its journal does not hold", { proposalId, signed: support });
    const ballot = await ownBallots.record({ proposalId, support, reason: "as this node's key has signed before" });
    await guard?.rolledBack();
    return ballot;
  }

  /** Decides and journals the decision; undefined if this node has no opinion, or cannot decide yet. */
  async #record(proposal: Proposal, signal: AbortSignal): Promise<RecordedBallot | undefined> {
    if (this.#dependencies.guard?.permits(subjectOfProposal(proposal)) === false) return undefined;
    const instruction = await this.#dependencies.instructions?.read(proposal.id);
    if (instruction !== undefined) return this.#follow(proposal, instruction);
    if (this.#leftToPeople.has(proposal.id) || (await this.#isPeoplesTurn(proposal))) return undefined;
    const decided = await this.#decide(proposal, signal);
    return decided === undefined ? undefined : this.#journal(proposal, decided);
  }

  /** Does as the node's operator has said. Of a claim of fact one says For or nothing. */
  async #follow(proposal: Proposal, instruction: InstructionChoice): Promise<RecordedBallot | undefined> {
    if (instruction === "nothing" || (proposal.rules.claim && instruction !== "for")) return undefined;
    const { logger } = this.#dependencies;
    logger.info("votes as instructed", { proposalId: proposal.id, support: instruction });
    return this.#journal(proposal, {
      proposalId: proposal.id,
      support: instruction,
      reason: "as its operator has said",
    });
  }

  /** Journals a new decision, unless the guard forbids it meanwhile or a signed ballot was heard: deciding takes time. */
  async #journal(proposal: Proposal, decided: RecordedBallot): Promise<RecordedBallot | undefined> {
    const { guard, ownBallots } = this.#dependencies;
    if (guard?.permits(subjectOfProposal(proposal)) === false) return undefined;
    return (await this.#adopt(proposal)) ?? ownBallots.record(decided);
  }

  /** Whether people may still come before the agent: for so long after the opening as its operator has set for the kind. */
  async #isPeoplesTurn(proposal: Proposal): Promise<boolean> {
    const { client, policy } = this.#dependencies;
    const grace = proposal.directive === null ? 0 : (policy.grace[proposal.directive.kind] ?? 0);
    if (grace === 0) return false;
    return isUnopened(proposal) || (await client.chain.now()) < proposal.start + grace;
  }

  async #decide(proposal: Proposal, signal: AbortSignal): Promise<RecordedBallot | undefined> {
    const { client, policy, readNodeView } = this.#dependencies;
    const { payload, disagreements, late } = await this.#readPayload(proposal, signal);
    const evidence = await Promise.all(proposal.evidence.map((contentId) => this.#check(contentId)));
    const absent = evidence.some(({ status }) => status === "unanchored" || status === "missing");
    if ((late || absent) && this.#isTooEarly(proposal)) return undefined;
    const order = payload?.order;
    const { fleet, isPlaced, mayTell } = await judgedFleet(order, this.#dependencies, signal);
    if (!mayTell) return undefined;
    const deviations = isUnopened(proposal) ? [] : await client.listDeviations({ proposal, isPlaced });
    const published = order?.kind === "Deploy" ? { isPublished: await isPublished(client, order.release) } : {};
    const modelTest = payload?.order.kind === "AcceptModel" ? await this.#testModel(evidence, payload) : undefined;
    const decision = decide({
      proposal: {
        kind: proposal.directive?.kind,
        payload,
        deviations,
        disagreements,
        track: proposal.track,
        seconds: proposal.directive === null ? undefined : proposal.directive.delay + proposal.directive.window,
      },
      fleet,
      evidence: await this.#withResolved(await this.#withHosts(evidence, order), order),
      view: await this.#view(order, await readNodeView(), signal),
      now: await client.chain.now(),
      ...published,
      ...(modelTest === undefined ? {} : { modelTest }),
      policy,
    });
    if (decision === undefined) {
      const known = this.#deviating.has(proposal.id);
      if (deviations.length > 0) this.#deviating.add(proposal.id);
      else this.#leftToPeople.add(proposal.id);
      const kind = proposal.directive?.kind;
      if (!known) this.#dependencies.logger.info("left to people", { proposalId: proposal.id, kind, deviations });
      return undefined;
    }
    // A node that does not see what is claimed says nothing: it may see it in a moment.
    if (proposal.rules.claim && decision.support !== "for") {
      this.#dependencies.logger.debug("does not see what is claimed", { proposalId: proposal.id, ...decision });
      return undefined;
    }
    // A node that votes For keeps the payload, so that the order can still be read when it is issued, and afterwards.
    if (payload !== undefined && decision.support === "for") {
      await this.#keep(payload);
    }
    return { proposalId: proposal.id, ...decision };
  }

  /** A vote does not wait for room on the disk: other nodes keep the payload too. */
  async #keep(payload: DirectivePayload): Promise<void> {
    const { client, logger } = this.#dependencies;
    try {
      await client.content.put(encodePayload(payload).bytes, { codec: "dag-cbor", keep: "payload" });
    } catch (error) {
      logger.warn("a payload could not be kept", { reason: messageOf(error) });
    }
  }

  /** What this node sees, and what chain and content say of a workload to be rolled back that it does not run. */
  async #view(order: Order | undefined, view: NodeView, signal: AbortSignal): Promise<NodeView> {
    if (order?.kind !== "Rollback" || view.releases?.has(order.workload)) return view;
    const releases = await readWorkloadReleases(this.#dependencies.client, order.workload, signal);
    return releases === undefined ? view : { ...view, releases: new Map([[order.workload, releases]]) };
  }

  /** Says which of the evidence another order has resolved, where the order claims a fact. */
  async #withResolved(evidence: readonly DatedEvidence[], order: Order | undefined): Promise<readonly EvidenceCheck[]> {
    const subject = claimOf(order)?.subject;
    const blocks = evidence.flatMap(({ block }) => block ?? []);
    if (subject === undefined || blocks.length === 0) return evidence;
    const resolved = await resolvedBy(this.#dependencies.client, subject, Math.min(...blocks));
    return evidence.map((check) => ({ ...check, resolved: resolved.has(check.contentId) }));
  }

  /** Says which of the evidence a host of the workload has anchored, where the order claims a fact. */
  async #withHosts(evidence: readonly DatedEvidence[], order: Order | undefined): Promise<readonly DatedEvidence[]> {
    const workload = claimOf(order)?.workload;
    const hosts = new Set(workload === undefined ? [] : this.#dependencies.policy.hosts[workload]);
    if (hosts.size === 0) return evidence;
    const nodes = await this.#dependencies.client.listNodes();
    const agents = nodes.flatMap(({ agent, operator }) => (hosts.has(operator) ? agent : []));
    return Promise.all(evidence.map((check) => this.#asWordOf(agents, check)));
  }

  /** The evidence as of the newest anchor that one of these has made of it: anybody can anchor the same bytes again later. */
  async #asWordOf(agents: readonly Address[], check: DatedEvidence): Promise<DatedEvidence> {
    if (check.status !== "verified") return check;
    const { client, evidenceTimeoutMs: timeoutMs } = this.#dependencies;
    const { contentId } = check;
    let unread: unknown;
    let newest: { readonly anchoredAt: number; readonly blockNumber: number } | undefined;
    for (const author of agents) {
      try {
        const { anchor } = await client.fetchRecord({ contentId, kind: "Incident", author, timeoutMs });
        if (newest === undefined || anchor.blockNumber > newest.blockNumber) newest = anchor;
      } catch (error) {
        if (error instanceof ChainError) throw error;
        // The false or unreadable anchor of one host hides no other host's word.
        if (!(error instanceof WrongAuthorError)) unread ??= error;
      }
    }
    if (newest === undefined && unread !== undefined) throw unread;
    if (newest === undefined) return check;
    return { ...check, isHostsWord: true, anchoredAt: newest.anchoredAt, block: newest.blockNumber };
  }

  /**
   * Whether a payload or evidence that is missing may still arrive. Before a proposal is opened there is time to wait;
   * afterwards the voter checks a second time before it votes Against.
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

  async #check(contentId: ContentId): Promise<DatedEvidence> {
    try {
      const { ballots, client, evidenceTimeoutMs } = this.#dependencies;
      const record = await client.fetchRecord({ contentId, timeoutMs: evidenceTimeoutMs });
      if (record.kind === "Incident" && record.value.kind === "equivocation") {
        const hasEquivocated = await ballots.hasEquivocated(record.value);
        // The record is anchored, but this node cannot check its claim: here it proves nothing.
        if (hasEquivocated === undefined) return { contentId, status: "verified" };
        if (!hasEquivocated) {
          return { contentId, status: "invalid", reason: "the node it names has not signed both ballots" };
        }
        // The key on a stolen machine must not cost its operator the seat.
        if (!(await this.#isOfOneAccount(record.value))) return { contentId, status: "verified" };
      }
      const { anchoredAt, blockNumber: block } = record.anchor;
      return { contentId, status: "verified", record, anchoredAt, block };
    } catch (error) {
      // A chain that does not answer, or a node that is too busy to verify ballots, says nothing about the evidence.
      if (error instanceof ChainError || error instanceof GossipError) throw error;
      return { contentId, status: evidenceStatus(error), reason: messageOf(error) };
    }
  }

  /** Whether the operator of the seat that an incident names is its agent too: then the key on the machine is the seat. */
  async #isOfOneAccount({ observed }: Incident): Promise<boolean> {
    const nodes = await this.#dependencies.client.listNodes();
    return nodes.some(({ agent, operator }) => operator === observed.operator && agent === operator);
  }

  async #testModel(evidence: readonly EvidenceCheck[], payload: DirectivePayload): Promise<ModelTest | undefined> {
    if (payload.order.kind !== "AcceptModel") return undefined;
    const { model, parent } = payload.order;
    const candidate = evidence.find((check) => check.contentId === model)?.record;
    if (candidate?.kind !== "Model") return undefined;
    const accepted = parent === null ? undefined : await this.#dependencies.client.fetchRecord({ contentId: parent });
    return this.#dependencies.testModel(candidate.value, accepted?.kind === "Model" ? accepted.value : undefined);
  }
}

/** The subject about which an order claims a fact, and its workload; undefined for other orders. */
function claimOf(order: Order | undefined): { readonly subject: string; readonly workload: string } | undefined {
  if (order?.kind === "Restart")
    return { subject: replicaSubject(order.replica), workload: workloadOfReplica(order.replica) };
  if (order?.kind === "Rollback") return { subject: workloadSubject(order.workload), workload: order.workload };
  return undefined;
}

function evidenceStatus(error: unknown): EvidenceCheck["status"] {
  if (error instanceof NotAnchoredError) return "unanchored";
  if (error instanceof WrongAuthorError) return "wrong-author";
  if (error instanceof ContentError) return error.kind === "corrupt" ? "corrupt" : "missing";
  return "invalid";
}

import {
  type NodeBallot,
  type NodeSummary,
  type ProposalId,
  type Support,
  schemeOf,
  supportNumber,
} from "../../client/index.js";
import { type BallotContext, hashAggregateBallot, recoverVoter } from "../../ports/chain/index.js";
import type { ValidationResult } from "../../ports/gossip/index.js";
import type { BlsLibrary } from "../../ports/keys/index.js";
import type { Clock } from "../../utils/clock.js";
import { BatchVerifier } from "../aggregation/gossip/batchVerifier.js";
import { GossipGate, type GossipReason } from "../aggregation/gossip/gossipGate.js";
import type { LatestView } from "../aggregation/latestView.js";
import { decodeBallot } from "./message.js";
import type { BallotPool, Equivocation } from "./pool.js";

/** Proposals that are not on chain yet on which one node may have a ballot here. */
const MAX_UNKNOWN_PROPOSALS = 8;
/** The same for all nodes together: each has an open file. */
const MAX_UNKNOWN_IN_ALL = 256;
/** Fewer than may wait to be verified. */
const RESTORED_AT_ONCE = 512;
/** The sender of what is on this node's own disk. */
const OURSELVES = "";

/** What the chain says of a vote; until it is known, a ballot is checked against the newest committee. */
export interface ProposalStanding {
  readonly epoch: number;
  readonly open: boolean;
  /** Whether a member's ballot counts: that of a suspended seat does not. */
  readonly isCounted?: ((index: number) => boolean) | undefined;
}

export interface BallotValidatorDependencies {
  readonly context: BallotContext;
  /** Whether BLS signatures can be aggregated on this chain; otherwise accounts sign. */
  readonly aggregates: boolean;
  readonly bls: BlsLibrary;
  readonly pool: BallotPool;
  readonly latest: LatestView;
  readonly standingOf: (proposalId: ProposalId) => ProposalStanding | undefined;
  readonly clock: Pick<Clock, "monotonic" | "sleep">;
  /** Called with a peer that sent too much that is bad. */
  readonly onAbuse: (peer: string) => void;
  readonly onBallot: (ballot: NodeBallot) => void;
  readonly onEquivocation: (equivocation: Equivocation) => void;
}

/** How many messages ended for which reason. */
export type BallotCounts = Readonly<Record<GossipReason | "equivocations", number>>;

/** Validates ballots before they are relayed, so that those of no member, or with a bad signature, reach nobody. */
export class BallotValidator {
  readonly #dependencies: BallotValidatorDependencies;
  readonly #gate: GossipGate<"equivocations">;
  readonly #verifier: BatchVerifier;

  constructor(dependencies: BallotValidatorDependencies) {
    const { bls, clock, onAbuse } = dependencies;
    this.#dependencies = dependencies;
    this.#gate = new GossipGate({ reasons: ["equivocations"], clock, onAbuse });
    this.#verifier = new BatchVerifier(bls, clock);
  }

  get counts(): BallotCounts {
    return this.#gate.counts;
  }

  /** How many products of pairings the signatures have cost. */
  get checks(): number {
    return this.#verifier.checks;
  }

  /** What becomes of a message; a good ballot is added to the pool. */
  async check(message: Uint8Array, relay: string): Promise<ValidationResult> {
    if (!this.#gate.allows(relay)) return this.#gate.ignore("overLimit");
    const ballot = decodeBallot(message);
    if (ballot === undefined || !this.#isOurScheme(ballot)) return this.#gate.reject("malformed", relay);
    if (this.#isUntimely(ballot)) return this.#gate.ignore("notNow");
    return this.#admit(ballot, this.#dependencies.standingOf(ballot.proposalId), relay);
  }

  /** Adds ballots from disk to the pool, those that are good. */
  async restore(ballots: readonly NodeBallot[]): Promise<void> {
    for (let first = 0; first < ballots.length; first += RESTORED_AT_ONCE) {
      const some = ballots.slice(first, first + RESTORED_AT_ONCE);
      await Promise.all(some.map((ballot) => this.#admit(ballot, this.#dependencies.standingOf(ballot.proposalId))));
    }
  }

  /** Whether a node has signed a ballot; undefined if too many wait to be verified. */
  async isSigned(
    ballot: NodeBallot,
    { agent, key }: Pick<NodeSummary, "agent" | "key">,
    relay?: string,
  ): Promise<boolean | undefined> {
    const { context } = this.#dependencies;
    const { index, proposalId, signature, support } = ballot;
    const digestOf = (each: Support) =>
      Buffer.from(hashAggregateBallot(context, { proposalId, support: supportNumber(each) }).slice(2), "hex");
    if (schemeOf(ballot) === "bls") {
      const digests = support === "abstain" ? [digestOf("for"), digestOf("against")] : [digestOf(support)];
      return this.#verifier.verify({ key: Buffer.from(key.slice(2), "hex"), digests, signature }, relay ?? OURSELVES);
    }
    const message = { proposalId, support: supportNumber(support), index };
    const signer = recoverVoter(context, message, `0x${Buffer.from(signature).toString("hex")}`);
    return signer?.toLowerCase() === agent.toLowerCase();
  }

  /** The proposal's vote has ended. */
  forget(proposalId: ProposalId): void {
    this.#gate.forget(`${proposalId} `);
  }

  async #admit(ballot: NodeBallot, standing: ProposalStanding | undefined, relay?: string): Promise<ValidationResult> {
    const { latest, onBallot, onEquivocation, pool } = this.#dependencies;
    const { committees } = latest;
    const { proposalId, index, support } = ballot;
    const member = committees.member(index, standing?.epoch);
    if (member === undefined) {
      // A node that is not known here may be new; one that was no member in that epoch never will have been.
      const mayBeNew = standing === undefined || committees.get(index) === undefined;
      return mayBeNew ? this.#gate.ignore("notMembers") : this.#gate.reject("notMembers", relay);
    }
    // Its node may know less of the chain than this one.
    if (standing?.isCounted?.(index) === false) return this.#gate.ignore("notMembers");
    const known = pool.get(proposalId, index);
    if (known?.support === support || pool.equivocationOf(proposalId, index) !== undefined)
      return this.#again(ballot, known);

    const good = await this.isSigned(ballot, member, relay);
    if (!good) return this.#gate.refuseSignature(good, relay);
    // During verification the vote may have ended, or other ballots of the same node may have come in.
    if (this.#isUntimely(ballot)) return this.#gate.ignore("notNow");
    const added = pool.add(ballot);
    if (added === "known") return this.#gate.ignore("known");
    const equivocation = pool.equivocationOf(proposalId, index);
    if (equivocation === undefined) onBallot(ballot);
    else onEquivocation(equivocation);
    return this.#gate.accept(equivocation === undefined ? "accepted" : "equivocations", keyOf(ballot));
  }

  #again(ballot: NodeBallot, known: NodeBallot | undefined): ValidationResult {
    const same = known !== undefined && Buffer.compare(known.signature, ballot.signature) === 0;
    return this.#gate.again(keyOf(ballot), same);
  }

  #isOurScheme(ballot: NodeBallot): boolean {
    return (schemeOf(ballot) === "bls") === this.#dependencies.aggregates;
  }

  /** Whether its vote has ended, or its node has enough ballots on proposals that are not on chain. */
  #isUntimely({ index, proposalId }: NodeBallot): boolean {
    const { pool, standingOf } = this.#dependencies;
    const known = standingOf(proposalId);
    if (known !== undefined) return !known.open;
    if (pool.get(proposalId, index) !== undefined) return false;
    const unknown = (id: ProposalId) => standingOf(id) === undefined;
    if (!pool.proposals.includes(proposalId) && pool.proposals.filter(unknown).length >= MAX_UNKNOWN_IN_ALL)
      return true;
    return pool.countOf(index, unknown) >= MAX_UNKNOWN_PROPOSALS;
  }
}

function keyOf({ proposalId, index, support }: NodeBallot): string {
  return `${proposalId} ${index} ${support}`;
}

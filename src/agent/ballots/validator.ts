import {
  type NodeBallot,
  type NodeSummary,
  type ProposalId,
  type Support,
  schemeOf,
  supportNumber,
} from "../../client/index.js";
import { type BallotContext, hashBallot, recoverVoter } from "../../ports/chain/index.js";
import type { ValidationResult } from "../../ports/gossip/index.js";
import type { BlsLibrary } from "../../ports/keys/index.js";
import { BatchVerifier } from "../aggregation/batchVerifier.js";
import type { Committees } from "../aggregation/committees.js";
import { GossipGate } from "../aggregation/gossipGate.js";
import { decodeBallot } from "./message.js";
import type { BallotPool, Equivocation } from "./pool.js";

/** Proposals that are not on chain yet and on which a node may have a ballot here. */
const MAX_UNKNOWN_PROPOSALS = 8;
/** And all nodes together: for each a file is open. */
const MAX_UNKNOWN_IN_ALL = 256;
/** As many as may wait to be verified, and no more. */
const RESTORED_AT_ONCE = 512;
/** Who sends what is on our own disk. */
const OURSELVES = "";

/** What the chain says of a vote: until it is known, a ballot is held against the newest committee. */
export interface ProposalStanding {
  readonly epoch: number;
  readonly open: boolean;
}

export interface BallotValidatorDependencies {
  readonly context: BallotContext;
  /** Whether BLS signatures can be settled on this chain; else operators sign. */
  readonly aggregates: boolean;
  readonly bls: BlsLibrary;
  readonly pool: BallotPool;
  readonly committees: () => Committees;
  readonly poll: (proposalId: ProposalId) => ProposalStanding | undefined;
  readonly now: () => number;
  /** Told of a peer that sent too much that is bad: what it sends is not looked at for a while, so it had better go. */
  readonly onAbuse: (peer: string) => void;
  readonly onBallot: (ballot: NodeBallot) => void;
  readonly onEquivocation: (equivocation: Equivocation) => void;
}

const REASONS = [
  "accepted",
  "known",
  "equivocations",
  "malformed",
  "notMembers",
  "badSignatures",
  "notNow",
  "overLimit",
] as const;

/** How many messages came to what end. */
export type BallotCounts = Readonly<Record<(typeof REASONS)[number], number>>;

/** Looks at ballots before they are relayed: who is no member, or has not signed, is not heard by anybody. */
export class BallotValidator {
  readonly #dependencies: BallotValidatorDependencies;
  readonly #gate: GossipGate<keyof BallotCounts>;
  readonly #lots: BatchVerifier;

  constructor(dependencies: BallotValidatorDependencies) {
    const { bls, now, onAbuse } = dependencies;
    this.#dependencies = dependencies;
    this.#gate = new GossipGate({ reasons: REASONS, now, onAbuse });
    this.#lots = new BatchVerifier(bls);
  }

  get counts(): BallotCounts {
    return this.#gate.counts;
  }

  /** How many products of pairings the signatures have taken. */
  get checks(): number {
    return this.#lots.checks;
  }

  /** What becomes of a message; a good ballot is in the pool then. */
  async check(message: Uint8Array, relay: string): Promise<ValidationResult> {
    if (!this.#gate.allows(relay)) return this.#gate.ignore("overLimit");
    const ballot = decodeBallot(message);
    if (ballot === undefined || !this.#isOurScheme(ballot)) return this.#gate.reject("malformed", relay);
    if (this.#isUntimely(ballot)) return this.#gate.ignore("notNow");
    return this.#admit(ballot, this.#dependencies.poll(ballot.proposalId), relay);
  }

  /** Ballots from disk, of whom nobody needs to be told. */
  async restore(ballots: readonly NodeBallot[]): Promise<void> {
    for (let first = 0; first < ballots.length; first += RESTORED_AT_ONCE) {
      const some = ballots.slice(first, first + RESTORED_AT_ONCE);
      await Promise.all(some.map((ballot) => this.#admit(ballot, this.#dependencies.poll(ballot.proposalId))));
    }
  }

  /** Whether a node has signed a ballot; undefined where too many wait to be verified. */
  async isSigned(
    ballot: NodeBallot,
    { key, operator }: Pick<NodeSummary, "key" | "operator">,
    relay?: string,
  ): Promise<boolean | undefined> {
    const { context } = this.#dependencies;
    const { proposalId, signature, support } = ballot;
    const digestOf = (each: Support) =>
      Buffer.from(hashBallot(context, { proposalId, support: supportNumber(each) }).slice(2), "hex");
    if (schemeOf(ballot) === "bls") {
      const digests = support === "abstain" ? [digestOf("for"), digestOf("against")] : [digestOf(support)];
      return this.#lots.verify({ key: Buffer.from(key.slice(2), "hex"), digests, signature }, relay ?? OURSELVES);
    }
    const message = { proposalId, support: supportNumber(support) };
    const signer = recoverVoter(context, message, `0x${Buffer.from(signature).toString("hex")}`);
    return signer?.toLowerCase() === operator.toLowerCase();
  }

  /** The proposal's vote has ended. */
  forget(proposalId: ProposalId): void {
    this.#gate.forget(`${proposalId} `);
  }

  async #admit(ballot: NodeBallot, poll: ProposalStanding | undefined, relay?: string): Promise<ValidationResult> {
    const { committees, onBallot, onEquivocation, pool } = this.#dependencies;
    const { proposalId, index, support } = ballot;
    const member = committees().member(index, poll?.epoch ?? committees().newest);
    if (member === undefined) {
      // A node that we have not heard of may be new; one that was no member then never will have been.
      const stranger = poll === undefined || committees().get(index) === undefined;
      return stranger ? this.#gate.ignore("notMembers") : this.#gate.reject("notMembers", relay);
    }
    const known = pool.get(proposalId, index);
    if (known?.support === support || pool.equivocationOf(proposalId, index) !== undefined)
      return this.#again(ballot, known);

    const good = await this.isSigned(ballot, member, relay);
    if (good === undefined) return this.#gate.ignore("overLimit");
    if (!good) return this.#gate.reject("badSignatures", relay);
    // While it was verified the vote may have ended, or other ballots of the same node may have come in.
    if (this.#isUntimely(ballot)) return this.#gate.ignore("notNow");
    const added = pool.add(ballot);
    if (added === "known") return this.#gate.ignore("known");
    const equivocation = pool.equivocationOf(proposalId, index);
    if (equivocation === undefined) onBallot(ballot);
    else onEquivocation(equivocation);
    return this.#gate.accept(equivocation === undefined ? "accepted" : "equivocations", keyOf(ballot));
  }

  /** The very bytes that are known may be relayed again, now and then. */
  #again(ballot: NodeBallot, known: NodeBallot | undefined): ValidationResult {
    const same = known !== undefined && Buffer.compare(known.signature, ballot.signature) === 0;
    return same ? this.#gate.again("known", keyOf(ballot)) : this.#gate.ignore("known");
  }

  #isOurScheme(ballot: NodeBallot): boolean {
    return (schemeOf(ballot) === "bls") === this.#dependencies.aggregates;
  }

  /** Whether its vote has ended, or its node has enough ballots on proposals that are not on chain. */
  #isUntimely({ index, proposalId }: NodeBallot): boolean {
    const { pool, poll } = this.#dependencies;
    const known = poll(proposalId);
    if (known !== undefined) return !known.open;
    if (pool.get(proposalId, index) !== undefined) return false;
    const unknown = (id: ProposalId) => poll(id) === undefined;
    if (!pool.proposals.includes(proposalId) && pool.proposals.filter(unknown).length >= MAX_UNKNOWN_IN_ALL)
      return true;
    return pool.countOf(index, unknown) >= MAX_UNKNOWN_PROPOSALS;
  }
}

function keyOf({ proposalId, index, support }: NodeBallot): string {
  return `${proposalId} ${index} ${support}`;
}

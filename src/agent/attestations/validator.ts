import type { IssuedDirective } from "../../client/index.js";
import type { ReportContext } from "../../ports/chain/index.js";
import type { ValidationResult } from "../../ports/gossip/index.js";
import type { BlsLibrary } from "../../ports/keys/index.js";
import { BatchVerifier } from "../aggregation/batchVerifier.js";
import { GossipGate } from "../aggregation/gossipGate.js";
import { decodeAttestation } from "./message.js";
import type { OpenDirectives } from "./openDirectives.js";
import type { AttestationPool } from "./pool.js";
import { digestOf } from "./sign.js";
import { type Attestation, partOf, saysTheSame } from "./statement.js";

/** Who sends what we hold already. */
const OURSELVES = "";

const REASONS = [
  "accepted",
  "known",
  "contradictions",
  "malformed",
  "notMembers",
  "badSignatures",
  "notNow",
  "overLimit",
] as const;

/** How many messages came to what end. */
export type AttestationCounts = Readonly<Record<(typeof REASONS)[number], number>>;

export interface AttestationValidatorDependencies {
  readonly context: ReportContext;
  readonly bls: BlsLibrary;
  readonly pool: AttestationPool;
  readonly open: OpenDirectives;
  /** Milliseconds. */
  readonly now: () => number;
  /** Told of a peer that sent too much that is bad. */
  readonly onAbuse: (peer: string) => void;
  readonly onAttestation: (attestation: Attestation) => void;
  /** Told once of a node that says two different things of a directive; the first counts. */
  readonly onContradiction: (first: Attestation, second: Attestation) => void;
}

/** Looks at attestations before they are relayed: what counts nowhere, or was not signed, is not heard by anybody. */
export class AttestationValidator {
  readonly #dependencies: AttestationValidatorDependencies;
  readonly #gate: GossipGate<keyof AttestationCounts>;
  readonly #lots: BatchVerifier;

  constructor(dependencies: AttestationValidatorDependencies) {
    const { bls, now, onAbuse } = dependencies;
    this.#dependencies = dependencies;
    this.#gate = new GossipGate({ reasons: REASONS, now, onAbuse });
    this.#lots = new BatchVerifier(bls);
  }

  get counts(): AttestationCounts {
    return this.#gate.counts;
  }

  /** What becomes of a message; a good attestation is in the pool then. */
  async check(message: Uint8Array, relay: string): Promise<ValidationResult> {
    if (!this.#gate.allows(relay)) return this.#gate.ignore("overLimit");
    const attestation = decodeAttestation(message);
    if (attestation === undefined) return this.#gate.reject("malformed", relay);
    const directive = await this.#dependencies.open.find(attestation);
    if (directive === undefined) return this.#gate.ignore("notNow");
    return this.#admit(attestation, directive, relay);
  }

  /** Verifies what is in the pool once more, and leaves out what is not good. */
  async recheck(attestations: readonly Attestation[]): Promise<void> {
    const { open, pool } = this.#dependencies;
    for (const attestation of attestations) pool.forget(attestation);
    await Promise.all(
      attestations.map(async (attestation) => {
        const directive = open.get(attestation.directiveId);
        if (directive !== undefined) await this.#admit(attestation, directive);
      }),
    );
  }

  /** The directive has ended. */
  forget(directiveId: string): void {
    this.#gate.forget(`${directiveId} `);
  }

  async #admit(attestation: Attestation, { epoch }: IssuedDirective, relay?: string): Promise<ValidationResult> {
    const { context, onAttestation, onContradiction, open, pool } = this.#dependencies;
    const { directiveId, index, signature } = attestation;
    const part = partOf(attestation);
    const { committees } = open;
    const member = committees.member(index, epoch);
    if (member === undefined) {
      // Where the epoch is newer than what we know of the nodes, it may be a member.
      return committees.newest < epoch ? this.#gate.ignore("notMembers") : this.#gate.reject("notMembers", relay);
    }
    const first = pool.get(directiveId, index, part);
    if (first !== undefined && saysTheSame(first, attestation)) return this.#again(attestation, first);
    if (pool.isContradictory(directiveId, index, part)) return this.#gate.ignore("contradictions");

    const claim = {
      key: Buffer.from(member.key.slice(2), "hex"),
      digests: [digestOf(context, attestation)],
      signature,
    };
    const good = await this.#lots.verify(claim, relay ?? OURSELVES);
    if (good === undefined) return this.#gate.ignore("overLimit");
    if (!good) return this.#gate.reject("badSignatures", relay);
    // While it was verified the directive may have ended, or more of the same node may have come in.
    if (open.get(directiveId) === undefined) return this.#gate.ignore("notNow");
    if (pool.isContradictory(directiveId, index, part)) return this.#gate.ignore("contradictions");
    const added = pool.add(attestation);
    if (added === "known") return this.#gate.ignore("known");
    if (added === "contradiction") {
      const earlier = pool.get(directiveId, index, part);
      if (earlier !== undefined) onContradiction(earlier, attestation);
      return this.#gate.ignore("contradictions");
    }
    onAttestation(attestation);
    return this.#gate.accept("accepted", keyOf(attestation));
  }

  /** The very bytes that are known may be relayed again, now and then. */
  #again(attestation: Attestation, known: Attestation): ValidationResult {
    const same = Buffer.compare(known.signature, attestation.signature) === 0;
    return same ? this.#gate.again("known", keyOf(attestation)) : this.#gate.ignore("known");
  }
}

function keyOf({ directiveId, index, ...said }: Attestation): string {
  return `${directiveId} ${index} ${partOf(said)}`;
}

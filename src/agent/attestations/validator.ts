import type { IssuedDirective } from "../../client/index.js";
import type { ReportContext } from "../../ports/chain/index.js";
import type { ValidationResult } from "../../ports/gossip/index.js";
import type { BlsLibrary } from "../../ports/keys/index.js";
import type { Clock } from "../../utils/clock.js";
import { BatchVerifier } from "../aggregation/batchVerifier.js";
import { GossipGate, type GossipReason } from "../aggregation/gossipGate.js";
import type { LatestView } from "../aggregation/latestView.js";
import type { Contradiction } from "../aggregation/pool.js";
import { decodeAttestation } from "./message.js";
import type { OpenDirectives } from "./openDirectives.js";
import type { AttestationPool } from "./pool.js";
import { digestOf } from "./sign.js";
import { type Attestation, partOf, saysTheSame } from "./statement.js";

/** The sender of what is in the pool already. */
const OURSELVES = "";

/** How many messages ended for which reason. */
export type AttestationCounts = Readonly<Record<GossipReason | "contradictions", number>>;

export interface AttestationValidatorDependencies {
  readonly context: ReportContext;
  readonly bls: BlsLibrary;
  readonly pool: AttestationPool;
  readonly open: OpenDirectives;
  readonly latest: LatestView;
  readonly clock: Pick<Clock, "monotonic" | "sleep">;
  /** Called with a peer that sent too much that is bad. */
  readonly onAbuse: (peer: string) => void;
  readonly onAttestation: (attestation: Attestation) => void;
  /** Called once for a node that says two different things of a directive; the first counts. */
  readonly onContradiction: (contradiction: Contradiction<Attestation>) => void;
}

/** Validates attestations before they are relayed, so that those that do not count, or with a bad signature, reach nobody. */
export class AttestationValidator {
  readonly #dependencies: AttestationValidatorDependencies;
  readonly #gate: GossipGate<"contradictions">;
  readonly #verifier: BatchVerifier;

  constructor(dependencies: AttestationValidatorDependencies) {
    const { bls, clock, onAbuse } = dependencies;
    this.#dependencies = dependencies;
    this.#gate = new GossipGate({ reasons: ["contradictions"], clock, onAbuse });
    this.#verifier = new BatchVerifier(bls, clock);
  }

  get counts(): AttestationCounts {
    return this.#gate.counts;
  }

  /** What becomes of a message; a good attestation is added to the pool. */
  async check(message: Uint8Array, relay: string): Promise<ValidationResult> {
    if (!this.#gate.allows(relay)) return this.#gate.ignore("overLimit");
    const attestation = decodeAttestation(message);
    if (attestation === undefined) return this.#gate.reject("malformed", relay);
    const directive = await this.#dependencies.open.find(attestation);
    if (directive === undefined) return this.#gate.ignore("notNow");
    return this.#admit(attestation, directive, relay);
  }

  /** Verifies attestations of the pool again, and removes those that are not good. */
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
    const { context, onAttestation, onContradiction, latest, open, pool } = this.#dependencies;
    const { directiveId, index, signature } = attestation;
    const { committees } = latest;
    const member = committees.member(index, epoch);
    if (member === undefined) {
      // If the epoch is newer than what is known of the nodes, it may be a member.
      return committees.newest < epoch ? this.#gate.ignore("notMembers") : this.#gate.reject("notMembers", relay);
    }
    const first = pool.get(attestation);
    if (first !== undefined && saysTheSame(first, attestation)) return this.#again(attestation, first);
    if (pool.contradictionOf(attestation) !== undefined) return this.#gate.ignore("contradictions");

    const claim = {
      key: Buffer.from(member.key.slice(2), "hex"),
      digests: [digestOf(context, attestation)],
      signature,
    };
    const good = await this.#verifier.verify(claim, relay ?? OURSELVES);
    if (!good) return this.#gate.refuseSignature(good, relay);
    // During verification the directive may have ended, or more of the same node may have come in.
    if (open.get(directiveId) === undefined) return this.#gate.ignore("notNow");
    if (pool.contradictionOf(attestation) !== undefined) return this.#gate.ignore("contradictions");
    const added = pool.add(attestation);
    if (added === "known") return this.#gate.ignore("known");
    if (added === "contradiction") {
      const contradiction = pool.contradictionOf(attestation);
      if (contradiction !== undefined) onContradiction(contradiction);
      return this.#gate.ignore("contradictions");
    }
    onAttestation(attestation);
    return this.#gate.accept("accepted", keyOf(attestation));
  }

  #again(attestation: Attestation, known: Attestation): ValidationResult {
    const same = Buffer.compare(known.signature, attestation.signature) === 0;
    return this.#gate.again(keyOf(attestation), same);
  }
}

function keyOf({ directiveId, index, ...said }: Attestation): string {
  return `${directiveId} ${index} ${partOf(said)}`;
}

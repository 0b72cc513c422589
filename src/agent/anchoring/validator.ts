import { isSignedByAuthor, type JointMessage } from "../../ports/chain/index.js";
import type { ValidationResult } from "../../ports/gossip/index.js";
import type { BlsLibrary } from "../../ports/keys/index.js";
import { MAX_JOINT_BATCHES, type SignedBatch } from "../../records/index.js";
import { BatchVerifier } from "../aggregation/gossip/batchVerifier.js";
import { GossipGate, type GossipReason } from "../aggregation/gossip/gossipGate.js";
import type { AnchoringContext } from "./context.js";
import { decodeMessage, type JointSignature } from "./message.js";
import type { Draft } from "./pool.js";

/** The longest that a draft may stand, since an author that signs it waits so long before it anchors alone. */
const MAX_STANDING_SECONDS = 300;

/** The shortest time between two batches of one author. */
const MIN_BATCH_MS = 1_000;

/** How many messages ended for which reason. */
export type AnchoringCounts = Readonly<Record<GossipReason, number>>;

export interface AnchoringValidatorDependencies
  extends Pick<AnchoringContext, "context" | "clock" | "pool" | "latest"> {
  readonly bls: BlsLibrary;
  /** Called with a peer that sent too much that is bad. */
  readonly onAbuse: (peer: string) => void;
  readonly onDraft: (draft: Draft) => void;
  readonly onSignature: (draft: Draft) => void;
}

/** Validates messages before they are relayed, so that those of no member, or with a bad signature, reach nobody. */
export class AnchoringValidator {
  readonly #dependencies: AnchoringValidatorDependencies;
  readonly #gate: GossipGate;
  readonly #verifier: BatchVerifier;

  constructor(dependencies: AnchoringValidatorDependencies) {
    const { bls, clock, onAbuse } = dependencies;
    this.#dependencies = dependencies;
    this.#gate = new GossipGate({ clock, onAbuse });
    this.#verifier = new BatchVerifier(bls, clock);
  }

  get counts(): AnchoringCounts {
    return this.#gate.counts;
  }

  /** What becomes of a message; a good one is added to the pool. */
  async check(bytes: Uint8Array, from: string, relay: string): Promise<ValidationResult> {
    if (!this.#gate.allows(relay)) return this.#gate.ignore("overLimit");
    const message = decodeMessage(bytes);
    switch (message?.type) {
      case "batch":
        return this.#checkBatch(message.batch, relay);
      case "draft":
        return this.#checkDraft(message.draft, from, relay);
      case "signature":
        return this.#checkSignature(message.signed, relay);
      case undefined:
        return this.#gate.reject("malformed", relay);
    }
  }

  /** The batch with this root, or the draft with this id, has ended. */
  forget(ended: string): void {
    this.#gate.forget(ended);
  }

  #checkBatch(batch: SignedBatch, relay: string): ValidationResult {
    const { context, clock, latest, pool } = this.#dependencies;
    const key = `${batch.root} ${batch.author}`;
    if (pool.isAnchored(batch)) return this.#gate.ignore("known");
    const known = pool.batchOf(batch.author);
    if (known?.batch.root === batch.root) {
      const same = known.batch.signature === batch.signature;
      return this.#gate.again(key, same);
    }
    if (known !== undefined && clock.monotonic() - known.since < MIN_BATCH_MS) return this.#gate.ignore("overLimit");
    // A node that was admitted a moment ago may not be known yet.
    if (latest.committees.ofAccount(batch.author) === undefined) return this.#gate.ignore("notMembers");
    if (batch.count === 0 || !isSignedByAuthor(context, batch, batch.signature)) {
      return this.#gate.reject("badSignatures", relay);
    }
    pool.addBatch(batch);
    return this.#gate.accept("accepted", key);
  }

  #checkDraft(message: JointMessage, from: string, relay: string): ValidationResult {
    const { latest, onDraft, pool } = this.#dependencies;
    const { batches, deadline, epoch } = message;
    const known = pool.draftOf(message);
    if (known !== undefined) return this.#gate.again(`${known.id} draft`, true);
    if (!latest.committees.isPeer(from)) return this.#gate.ignore("notMembers");
    if (batches === 0 || batches > MAX_JOINT_BATCHES) return this.#gate.reject("malformed", relay);
    const left = deadline - latest.chainTime();
    if (epoch !== latest.committees.newest || left <= 0 || left > MAX_STANDING_SECONDS)
      return this.#gate.ignore("notNow");
    if (!pool.admitsDraftOf(from)) return this.#gate.ignore("overLimit");
    const draft = pool.addDraft(message, from);
    onDraft(draft);
    return this.#gate.accept("accepted", `${draft.id} draft`);
  }

  async #checkSignature(signed: JointSignature, relay: string): Promise<ValidationResult> {
    const { latest, onSignature, pool } = this.#dependencies;
    const { id, index, signature } = signed;
    const key = `${id} ${index}`;
    const draft = pool.draft(id);
    if (draft === undefined) return this.#gate.ignore("notNow");
    const member = latest.committees.member(index);
    if (member === undefined) return this.#gate.ignore("notMembers");
    const known = draft.signatures.get(index);
    if (known !== undefined) {
      const same = Buffer.compare(known.signature, signature) === 0;
      return this.#gate.again(key, same);
    }
    const digest = Buffer.from(id.slice(2), "hex");
    const claim = { key: Buffer.from(member.key.slice(2), "hex"), digests: [digest], signature };
    const good = await this.#verifier.verify(claim, relay);
    if (!good) return this.#gate.refuseSignature(good, relay);
    if (pool.draft(id) !== draft) return this.#gate.ignore("notNow");
    draft.signatures.set(index, signed);
    onSignature(draft);
    return this.#gate.accept("accepted", key);
  }
}

import { hashJoint, isSignedByAuthor, type JointMessage } from "../../ports/chain/index.js";
import type { ValidationResult } from "../../ports/gossip/index.js";
import type { BlsLibrary } from "../../ports/keys/index.js";
import { MAX_JOINT_BATCHES, type SignedBatch } from "../../records/index.js";
import { BatchVerifier } from "../aggregation/batchVerifier.js";
import { GossipGate } from "../aggregation/gossipGate.js";
import type { AnchoringContext } from "./context.js";
import { decodeMessage, type JointSignature } from "./message.js";
import type { Draft } from "./pool.js";

/** A draft that is to be signed stands for no longer: whoever signs it waits so long before it anchors alone. */
const MAX_STANDING_SECONDS = 300;

/** No author needs to have another batch anchored more often than this. */
const MIN_BATCH_MS = 1_000;

const REASONS = ["accepted", "known", "malformed", "notMembers", "badSignatures", "notNow", "overLimit"] as const;

/** How many messages came to what end. */
export type AnchoringCounts = Readonly<Record<(typeof REASONS)[number], number>>;

export interface AnchoringValidatorDependencies extends Pick<AnchoringContext, "context" | "now" | "pool" | "roll"> {
  readonly bls: BlsLibrary;
  /** Told of a peer that sent too much that is bad. */
  readonly onAbuse: (peer: string) => void;
  readonly onDraft: (draft: Draft) => void;
  readonly onSignature: (draft: Draft) => void;
}

/** Looks at what travels before it is relayed: what was not signed, or is nobody's, is not heard by anybody. */
export class AnchoringValidator {
  readonly #dependencies: AnchoringValidatorDependencies;
  readonly #gate: GossipGate<keyof AnchoringCounts>;
  readonly #lots: BatchVerifier;

  constructor(dependencies: AnchoringValidatorDependencies) {
    const { bls, now, onAbuse } = dependencies;
    this.#dependencies = dependencies;
    this.#gate = new GossipGate({ reasons: REASONS, now, onAbuse });
    this.#lots = new BatchVerifier(bls);
  }

  get counts(): AnchoringCounts {
    return this.#gate.counts;
  }

  /** What becomes of a message; what is good is in the pool then. */
  async check(bytes: Uint8Array, from: string, relay: string): Promise<ValidationResult> {
    if (!this.#gate.allows(relay)) return this.#gate.ignore("overLimit");
    const message = decodeMessage(bytes);
    switch (message?.type) {
      case "batch":
        return this.#takeBatch(message.batch, relay);
      case "draft":
        return this.#takeDraft(message.draft, from, relay);
      case "signature":
        return this.#takeSignature(message.signed, relay);
      case undefined:
        return this.#gate.reject("malformed", relay);
    }
  }

  /** It has ended: that messages about it were relayed is forgotten. */
  forget(root: string): void {
    this.#gate.forget(root);
  }

  #takeBatch(batch: SignedBatch, relay: string): ValidationResult {
    const { context, now, pool, roll } = this.#dependencies;
    const key = `${batch.root} ${batch.author}`;
    if (pool.isAnchored(batch)) return this.#gate.ignore("known");
    const known = pool.batchOf(batch.author);
    if (known?.batch.root === batch.root) {
      const same = known.batch.signature === batch.signature;
      return same ? this.#gate.again("known", key) : this.#gate.ignore("known");
    }
    if (known !== undefined && now() - known.since < MIN_BATCH_MS) return this.#gate.ignore("overLimit");
    // Who was admitted a moment ago may not be known yet.
    if (roll.memberOf(batch.author) === undefined) return this.#gate.ignore("notMembers");
    if (batch.count === 0 || !isSignedByAuthor(context, batch, batch.signature)) {
      return this.#gate.reject("badSignatures", relay);
    }
    pool.addBatch(batch, now());
    return this.#gate.accept("accepted", key);
  }

  #takeDraft(message: JointMessage, from: string, relay: string): ValidationResult {
    const { now, onDraft, pool, roll } = this.#dependencies;
    const { batches, deadline, epoch, root } = message;
    const known = pool.draft(root);
    if (known !== undefined) {
      const same = JSON.stringify(known.message) === JSON.stringify(message);
      return same ? this.#gate.again("known", `${root} draft`) : this.#gate.ignore("known");
    }
    if (!roll.isPeer(from)) return this.#gate.ignore("notMembers");
    if (batches === 0 || batches > MAX_JOINT_BATCHES) return this.#gate.reject("malformed", relay);
    const left = deadline - roll.seconds();
    if (epoch !== roll.epoch || left <= 0 || left > MAX_STANDING_SECONDS) return this.#gate.ignore("notNow");
    if (!pool.takesDraftOf(from)) return this.#gate.ignore("overLimit");
    onDraft(pool.addDraft(message, from, now()));
    return this.#gate.accept("accepted", `${root} draft`);
  }

  async #takeSignature(signed: JointSignature, relay: string): Promise<ValidationResult> {
    const { context, onSignature, pool, roll } = this.#dependencies;
    const { index, root, signature } = signed;
    const key = `${root} ${index}`;
    const draft = pool.draft(root);
    if (draft === undefined) return this.#gate.ignore("notNow");
    const member = roll.memberAt(index);
    if (member === undefined) return this.#gate.ignore("notMembers");
    const known = draft.signatures.get(index);
    if (known !== undefined) {
      const same = Buffer.compare(known.signature, signature) === 0;
      return same ? this.#gate.again("known", key) : this.#gate.ignore("known");
    }
    const digest = Buffer.from(hashJoint(context, draft.message).slice(2), "hex");
    const claim = { key: Buffer.from(member.key.slice(2), "hex"), digests: [digest], signature };
    const good = await this.#lots.verify(claim, relay);
    if (good === undefined) return this.#gate.ignore("overLimit");
    if (!good) return this.#gate.reject("badSignatures", relay);
    if (pool.draft(root) !== draft) return this.#gate.ignore("notNow");
    draft.signatures.set(index, signed);
    onSignature(draft);
    return this.#gate.accept("accepted", key);
  }
}

import { hashJoint, openJoint } from "../../ports/chain/index.js";
import type { BlsLibrary } from "../../ports/keys/index.js";
import { contentIdToCid, decodeJointManifest, MAX_RECORD_BYTES, type SignedBatch } from "../../records/index.js";
import { sameHex } from "../../utils/sameHex.js";
import { Rebroadcast } from "../aggregation/gossip/rebroadcast.js";
import type { Outbox } from "../outbox/outbox.js";
import type { Offer } from "../outbox/state.js";
import type { SigningGuard } from "../signing/signingGuard.js";
import type { AnchoringContext } from "./context.js";
import { groupsOf, jointManifestOf } from "./jointManifest.js";
import { encodeMessage } from "./message.js";
import type { Draft } from "./pool.js";

const FETCH_TIMEOUT_MS = 5_000;
/** A block after the deadline may have a time before it, since clocks differ. */
const GRACE_SECONDS = 5;
/** After so many gathering times without a draft, a batch is anchored alone. */
const PATIENCE = 8;

export interface AnchoringSenderDependencies extends AnchoringContext {
  readonly outbox: Outbox;
  readonly bls: BlsLibrary;
  /** Says whether this node may sign; undefined if it may always. */
  readonly guard?: Pick<SigningGuard, "state"> | undefined;
  readonly onSigned: () => void;
}

/** Has this node's own batch anchored: offers it, signs one draft at a time that holds it, and anchors it alone if need be. */
export class AnchoringSender {
  readonly #dependencies: AnchoringSenderDependencies;
  /** `since` is in monotonic milliseconds. */
  #batch: { readonly batch: SignedBatch; readonly since: number; readonly out: Rebroadcast } | undefined;
  #signature: { readonly id: string; readonly out: Rebroadcast } | undefined;

  constructor(dependencies: AnchoringSenderDependencies) {
    this.#dependencies = dependencies;
  }

  /** Offers the records in the outbox that may wait, and sends their batch to the others. */
  async offer(): Promise<void> {
    const { outbox } = this.#dependencies;
    if ((await outbox.offer("State")) !== undefined) await this.#send();
  }

  /** Sends the offered batch again, or ends the offer once it is anchored or has waited too long. */
  async update(isOpen: boolean): Promise<void> {
    const { outbox } = this.#dependencies;
    const { offered } = outbox;
    if (offered === undefined) return;
    if (await this.#findAnchor(offered.root)) return;
    if (offered.signed !== null) {
      if (this.#dependencies.latest.chainTime() <= offered.signed.deadline + GRACE_SECONDS) return this.#sendAgain();
      // The chain was read before the deadline was compared with it: it is read once more.
      if (!(await this.#findAnchor(offered.root)))
        await this.#goAlone(offered, "the draft that it has signed was not anchored");
      return;
    }
    if (!isOpen) return this.#goAlone(offered, "there are too few nodes");
    await this.#send();
    const { clock, gatherMs } = this.#dependencies;
    if (this.#batch !== undefined && clock.monotonic() - this.#batch.since >= PATIENCE * gatherMs) {
      await this.#goAlone(offered, "nobody has drafted an anchor with it");
    }
  }

  /** Signs a draft that holds this node's batch, unless it has signed another that may still be anchored. */
  async consider(draft: Draft): Promise<void> {
    const { bls, context, gossip, latest, logger, node, clock, outbox, topic } = this.#dependencies;
    const { content } = node.client;
    const { id, message } = draft;
    if ((this.#dependencies.guard?.state ?? "signing") !== "signing") return;
    const bytes = await this.#manifestOf(draft);
    const manifest = decodeJointManifest(bytes);
    openJoint(context, message, manifest);
    draft.manifest = manifest;
    const member = latest.committees.ofAccount(node.account);
    const own = manifest.batches.find(({ author }) => sameHex(author, node.account));
    const { offered } = outbox;
    if (own === undefined || member === undefined || offered?.root !== own.root || offered.signed !== null) return;
    const batch = this.#batch?.batch;
    if (batch?.root !== own.root || batch.count !== own.count || batch.manifest !== own.manifest) return;
    // The contract looks for an author's batch at its index.
    if (own.index !== member.index) return;
    if (message.epoch !== latest.committees.newest || latest.chainTime() >= message.deadline) return;

    // A signature that a peer has returned after a restore, under this draft or another that may still be anchored.
    const returned = this.#dependencies.pool.drafts.filter(({ signatures }) => signatures.has(member.index));
    if (returned.some((each) => each.id !== id && latest.chainTime() <= each.message.deadline + GRACE_SECONDS)) return;

    // Proofs need the manifest: all authors in it keep it.
    await content.put(bytes, { keep: "manifest" });
    // Before the signature exists: what was signed once is known across crashes, and nothing else is signed meanwhile.
    if (!(await outbox.noteSigned(own.root, { id, index: member.index, deadline: message.deadline }))) return;
    const signed = { id, index: member.index, signature: bls.sign(node.blsSecret, Buffer.from(id.slice(2), "hex")) };
    draft.signatures.set(member.index, signed);
    const out = new Rebroadcast({ gossip, topic, clock, logger }, encodeMessage({ type: "signature", signed }));
    this.#signature = { id, out };
    await out.send();
    this.#dependencies.onSigned();
  }

  /** The manifest of a draft: made here if the same batches are known, and fetched from peers otherwise. */
  async #manifestOf({ message }: Draft): Promise<Uint8Array> {
    const { latest, node, pool } = this.#dependencies;
    for (const waiting of groupsOf(pool.batches, latest.committees).values()) {
      const { block } = jointManifestOf(waiting, latest.committees);
      if (block.contentId === message.manifest) return block.bytes;
    }
    const limits = { timeoutMs: FETCH_TIMEOUT_MS, maxBytes: MAX_RECORD_BYTES };
    return node.client.content.get(contentIdToCid(message.manifest), limits);
  }

  /** Signs the offered batch, also after a restart, and sends it. */
  async #send(): Promise<void> {
    const { clock, gossip, logger, outbox, pool, topic } = this.#dependencies;
    const { offered } = outbox;
    if (offered === undefined || offered.signed !== null) return;
    if (this.#batch?.batch.root !== offered.root) {
      const batch = await outbox.signOffered();
      if (batch === undefined) return;
      const out = new Rebroadcast({ gossip, topic, clock, logger }, encodeMessage({ type: "batch", batch }));
      this.#batch = { batch, since: clock.monotonic(), out };
    }
    pool.addBatch(this.#batch.batch, this.#batch.since);
    await this.#batch.out.send();
  }

  async #sendAgain(): Promise<void> {
    await this.#signature?.out.send();
  }

  async #findAnchor(root: string): Promise<boolean> {
    const { context, latest, node, outbox } = this.#dependencies;
    const { entries } = await node.client.listAnchors();
    const anchor = entries.findLast((entry) => entry.root === root && sameHex(entry.author, node.account));
    if (anchor === undefined) return false;
    const { joint, transactionHash, blockNumber } = anchor;
    const member = latest.committees.ofAccount(node.account);
    const place =
      joint === null || member === undefined ? {} : { joint: { id: hashJoint(context, joint), index: member.index } };
    await outbox.noteAnchored({ root: anchor.root, transactionHash, blockNumber, ...place });
    this.#forget();
    return true;
  }

  /** Withdraws the offer and anchors its records alone. */
  async #goAlone(offered: Offer, why: string): Promise<void> {
    const { jobs, logger, outbox } = this.#dependencies;
    if (!(await outbox.withdraw(offered))) return;
    logger.info("anchors alone what it has offered", { why });
    this.#forget();
    jobs.start("anchor alone", () => outbox.settle());
  }

  #forget(): void {
    this.#batch = undefined;
    this.#signature = undefined;
  }
}

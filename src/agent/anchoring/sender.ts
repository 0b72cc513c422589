import { hashJoint, openJoint } from "../../ports/chain/index.js";
import type { BlsLibrary } from "../../ports/keys/index.js";
import { contentIdToCid, decodeJointManifest, MAX_RECORD_BYTES, type SignedBatch } from "../../records/index.js";
import { sameHex } from "../../utils/sameHex.js";
import { Rebroadcast } from "../aggregation/rebroadcast.js";
import type { Outbox } from "../outbox/outbox.js";
import type { Offer } from "../outbox/state.js";
import type { AnchoringContext } from "./context.js";
import { groupsOf, jointManifestOf } from "./jointManifest.js";
import { encodeMessage } from "./message.js";
import type { Draft } from "./pool.js";

const FETCH_TIMEOUT_MS = 5_000;
/** Blocks after a deadline may have been made before it, by clocks that differ. */
const GRACE_SECONDS = 5;
/** So many times the time to gather a batch waits to be drafted, and goes alone then. */
const PATIENCE = 8;

export interface AnchoringSenderDependencies extends AnchoringContext {
  readonly outbox: Outbox;
  readonly bls: BlsLibrary;
  readonly onSigned: () => void;
}

/** Has this node's own batch anchored: offers it, signs the draft that holds it, one at a time, and goes alone in the end. */
export class AnchoringSender {
  readonly #dependencies: AnchoringSenderDependencies;
  #batch: { readonly batch: SignedBatch; readonly since: number; readonly out: Rebroadcast } | undefined;
  #signature: { readonly root: string; readonly out: Rebroadcast } | undefined;

  constructor(dependencies: AnchoringSenderDependencies) {
    this.#dependencies = dependencies;
  }

  /** Sets aside what may wait of the outbox, and tells the others of it. */
  async offer(): Promise<void> {
    const { outbox } = this.#dependencies;
    if ((await outbox.offer("State")) !== undefined) await this.#send();
  }

  /** Looks what has become of the batch that was offered. */
  async look(isOpen: boolean): Promise<void> {
    const { outbox } = this.#dependencies;
    const { offered } = outbox;
    if (offered === undefined) return;
    if (await this.#findAnchor(offered.root)) return;
    if (offered.signed !== null) {
      if (this.#dependencies.roll.seconds() <= offered.signed.deadline + GRACE_SECONDS) return this.#sendAgain();
      // The chain was read before the deadline was compared with it: it is read once more.
      if (!(await this.#findAnchor(offered.root)))
        await this.#goAlone(offered, "the draft that it has signed was not anchored");
      return;
    }
    if (!isOpen) return this.#goAlone(offered, "there are too few nodes");
    await this.#send();
    const { gatherMs, now } = this.#dependencies;
    if (this.#batch !== undefined && now() - this.#batch.since >= PATIENCE * gatherMs) {
      await this.#goAlone(offered, "nobody has drafted an anchor with it");
    }
  }

  /** Signs a draft that holds this node's batch, unless it has signed another that may still be anchored. */
  async consider(draft: Draft): Promise<void> {
    const { bls, context, gossip, logger, node, now, outbox, roll, topic } = this.#dependencies;
    const { content, chain } = node.client;
    const { message } = draft;
    const bytes = await this.#listOf(draft);
    const manifest = decodeJointManifest(bytes);
    openJoint(context, message, manifest);
    draft.manifest = manifest;
    const member = roll.memberOf(node.operator);
    const own = manifest.batches.find(({ author }) => sameHex(author, node.operator));
    const { offered } = outbox;
    if (own === undefined || member === undefined || offered?.root !== own.root || offered.signed !== null) return;
    const batch = this.#batch?.batch;
    if (batch?.root !== own.root || batch.count !== own.count || batch.manifest !== own.manifest) return;
    if (message.epoch !== roll.epoch || roll.seconds() >= message.deadline) return;
    const { anchoredAt } = await chain.read(() => chain.contracts.knowledge.jointAnchorOf(message.root));
    if (anchoredAt !== 0n) return;

    // Whoever asks for a proof needs the list: all who are in it keep it.
    await content.put(bytes, { keep: "manifest" });
    // Before the signature exists: what was signed once is known across crashes, and nothing else is signed meanwhile.
    if (!(await outbox.noteSigned(own.root, { root: message.root, deadline: message.deadline }))) return;
    const digest = Buffer.from(hashJoint(context, message).slice(2), "hex");
    const signed = { root: message.root, index: member.index, signature: bls.sign(node.blsSecret, digest) };
    draft.signatures.set(member.index, signed);
    const out = new Rebroadcast({ gossip, topic, bytes: encodeMessage({ type: "signature", signed }), now, logger });
    this.#signature = { root: message.root, out };
    await out.send();
    this.#dependencies.onSigned();
  }

  /** The list of a draft: as this node makes it itself where it has heard of the same batches, or from whoever has it. */
  async #listOf({ message }: Draft): Promise<Uint8Array> {
    const { node, pool, roll } = this.#dependencies;
    for (const waiting of groupsOf(pool.batches, roll).values()) {
      const { block } = jointManifestOf(waiting);
      if (block.contentId === message.manifest) return block.bytes;
    }
    const limits = { timeoutMs: FETCH_TIMEOUT_MS, maxBytes: MAX_RECORD_BYTES };
    return node.client.content.get(contentIdToCid(message.manifest), limits);
  }

  /** Makes the message of the batch that is set aside, also after a restart, and sends it where it is not known. */
  async #send(): Promise<void> {
    const { gossip, logger, now, outbox, pool, topic } = this.#dependencies;
    const { offered } = outbox;
    if (offered === undefined || offered.signed !== null) return;
    if (this.#batch?.batch.root !== offered.root) {
      const batch = await outbox.signOffered();
      if (batch === undefined) return;
      const out = new Rebroadcast({ gossip, topic, bytes: encodeMessage({ type: "batch", batch }), now, logger });
      this.#batch = { batch, since: now(), out };
    }
    pool.addBatch(this.#batch.batch, this.#batch.since);
    await this.#batch.out.send();
  }

  async #sendAgain(): Promise<void> {
    await this.#signature?.out.send();
  }

  async #findAnchor(root: string): Promise<boolean> {
    const { node, outbox } = this.#dependencies;
    const { entries } = await node.client.listAnchors();
    const anchor = entries.findLast((entry) => entry.root === root && sameHex(entry.author, node.operator));
    if (anchor === undefined) return false;
    const { joint, transactionHash, blockNumber } = anchor;
    await outbox.noteAnchored({
      root: anchor.root,
      transactionHash,
      blockNumber,
      ...(joint === null ? {} : { joint: joint.root }),
    });
    this.#forget();
    return true;
  }

  /** The records go with the next lone anchor, which is now. */
  async #goAlone(offered: Offer, why: string): Promise<void> {
    const { logger, outbox, tasks } = this.#dependencies;
    if (!(await outbox.withdraw(offered))) return;
    logger.info("anchors alone what it has offered", { why });
    this.#forget();
    tasks.start("anchor alone", () => outbox.settle());
  }

  #forget(): void {
    this.#batch = undefined;
    this.#signature = undefined;
  }
}

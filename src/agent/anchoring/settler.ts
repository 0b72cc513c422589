import { isRevert, type JointMessage, jointTree } from "../../ports/chain/index.js";
import type { Hex } from "../../records/index.js";
import { LeaderSchedule } from "../aggregation/leaderSchedule.js";
import type { AnchoringContext } from "./context.js";
import { groupsOf, jointManifestOf } from "./jointManifest.js";
import { encodeMessage } from "./message.js";
import type { Draft, WaitingBatch } from "./pool.js";

/** A draft stands for this long: time for a block, and no longer than records may wait for their anchor. */
const STANDING_SECONDS = 60;
/** So many times the time to gather a draft waits for the signatures of those that have not answered. */
const PATIENCE = 2;

export interface AnchoringSettlerDependencies extends AnchoringContext {
  /** Fewer batches are not worth a transaction for all. */
  readonly minAuthors: number;
  /** This node has drafted: it looks at it like at any other's. */
  readonly onDraft: (draft: Draft) => void;
}

/** Lists batches under one root when it is this node's turn, and brings what was signed to the chain. */
export class AnchoringSettler {
  readonly #dependencies: AnchoringSettlerDependencies;
  readonly #line: LeaderSchedule;

  constructor(dependencies: AnchoringSettlerDependencies) {
    this.#dependencies = dependencies;
    this.#line = new LeaderSchedule(dependencies.now, dependencies.node.client.chain.tip);
  }

  /** Forgets what is anchored, and drafts that hold no longer: gives their roots. */
  async look(): Promise<Hex[]> {
    const { node, pool, roll } = this.#dependencies;
    pool.keepAuthors(new Set(roll.members.map(({ operator }) => operator.toLowerCase())));
    const ended: Hex[] = [];
    if (pool.batches.length > 0 || pool.drafts.length > 0) {
      const { entries } = await node.client.listAnchors();
      const joints = new Set(entries.flatMap(({ joint }) => (joint === null ? [] : [joint.root])));
      for (const { message } of pool.drafts) {
        const { deadline, epoch, root } = message;
        if (!joints.has(root) && epoch === roll.epoch && roll.seconds() <= deadline) continue;
        pool.dropDraft(root);
        this.#line.end(`anchor ${root}`);
        ended.push(root);
      }
      const waiting = new Set(pool.batches.map(({ batch }) => keyOf(batch)));
      for (const entry of entries) {
        if (!waiting.has(keyOf(entry))) continue;
        pool.noteAnchored(entry);
        ended.push(entry.root);
      }
    }
    return ended;
  }

  /** Drafts an anchor of the batches that have waited long enough, where that pays and it is this node's turn. */
  async draft(): Promise<void> {
    const { pool } = this.#dependencies;
    const groups = this.#groups();
    for (const [group, waiting] of groups) {
      const key = `draft ${group}`;
      if (!this.#isRipe(waiting)) {
        this.#line.end(key);
        continue;
      }
      if (!this.#isDue(key, `draft ${group} ${this.#slot(waiting)}`)) continue;
      this.#line.end(key);
      const { batches, block } = jointManifestOf(waiting);
      const { context, gossip, logger, node, now, roll, topic } = this.#dependencies;
      await node.client.content.put(block.bytes, { keep: "manifest" });
      const message: JointMessage = {
        epoch: roll.epoch,
        root: jointTree(context, { batches }).root,
        batches: batches.length,
        manifest: block.contentId,
        deadline: Math.floor(roll.seconds()) + STANDING_SECONDS,
      };
      if (pool.draft(message.root) !== undefined) continue;
      const draft = pool.addDraft(message, undefined, now());
      logger.info("drafts an anchor of many", { root: message.root, batches: batches.length });
      await gossip.publish(topic, encodeMessage({ type: "draft", draft: message }));
      this.#dependencies.onDraft(draft);
    }
  }

  /** Brings what all have signed, or enough have, to the chain, where it is this node's turn. */
  async settle(): Promise<void> {
    const { node, tasks } = this.#dependencies;
    for (const draft of this.#dependencies.pool.drafts) {
      const { root } = draft.message;
      if (!this.#isSigned(draft) || !this.#isDue(`anchor ${root}`, `anchor ${root}`)) continue;
      tasks.start(`anchor ${root}`, async () => {
        const signatures = [...draft.signatures.values()];
        try {
          const { gasUsed, hash } = await node.client.anchorJointly({ ...draft.message, signatures });
          const told = { root, batches: signatures.length, transaction: hash, gas: gasUsed };
          this.#dependencies.logger.info("anchored for many", told);
        } catch (error) {
          const over = [
            "KnowledgeRegistryJointAnchorExists",
            "KnowledgeRegistryLapsed",
            "KnowledgeRegistryPastEpoch",
          ] as const;
          if (!isRevert(error, ...over)) throw error;
        }
        this.#dependencies.pool.dropDraft(root);
      });
    }
  }

  /** What waits and is in no draft, list by list. */
  #groups(): Map<number, WaitingBatch[]> {
    const { pool, roll } = this.#dependencies;
    const drafted = new Set(
      pool.drafts.flatMap(({ manifest }) => (manifest?.batches ?? []).map((batch) => keyOf(batch))),
    );
    return groupsOf(
      pool.batches.filter(({ batch }) => !drafted.has(keyOf(batch))),
      roll,
    );
  }

  #isRipe(waiting: readonly WaitingBatch[]): boolean {
    const { gatherMs, minAuthors, now, roll } = this.#dependencies;
    if (waiting.length < minAuthors) return false;
    const oldest = Math.min(...waiting.map(({ since }) => since));
    return waiting.length === roll.members.length || now() - oldest >= gatherMs;
  }

  /** The nodes agree, nearly, on when a batch came: enough to have the turn go round. */
  #slot(waiting: readonly WaitingBatch[]): number {
    const oldest = Math.min(...waiting.map(({ since }) => since));
    return Math.floor(oldest / 60_000);
  }

  #isSigned({ manifest, message, signatures, since }: Draft): boolean {
    const { gatherMs, minAuthors, now } = this.#dependencies;
    if (signatures.size < minAuthors) return false;
    return signatures.size >= (manifest?.batches.length ?? message.batches) || now() - since >= PATIENCE * gatherMs;
  }

  #isDue(key: string, task: string): boolean {
    const { node, roll } = this.#dependencies;
    const nodes = () => roll.members.map(({ operator }) => operator);
    return this.#line.due({ key, task, nodes }).has(node.operator.toLowerCase());
  }
}

function keyOf({ author, root }: { readonly author: string; readonly root: string }): string {
  return `${author.toLowerCase()} ${root}`;
}

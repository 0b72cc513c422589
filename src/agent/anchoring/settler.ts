import { isRevert, type JointMessage, jointTree } from "../../ports/chain/index.js";
import type { Hex } from "../../records/index.js";
import { LeaderSchedule } from "../aggregation/leaders/leaderSchedule.js";
import type { AnchoringContext } from "./context.js";
import { groupsOf, jointManifestOf } from "./jointManifest.js";
import { encodeMessage } from "./message.js";
import type { Draft, WaitingBatch } from "./pool.js";

/** How long a draft is valid: enough for a block, and no longer than records may wait for their anchor. */
const STANDING_SECONDS = 60;
/** After how many gathering times the settler stops waiting for further signatures on a draft. */
const PATIENCE = 2;

export interface AnchoringSettlerDependencies extends AnchoringContext {
  /** Fewer batches are not worth a transaction for all. */
  readonly minAuthors: number;
  /** Called with a draft of this node, which is considered like any other. */
  readonly onDraft: (draft: Draft) => void;
}

/** Drafts joint anchors when it is this node's turn, and brings signed drafts to the chain. */
export class AnchoringSettler {
  readonly #dependencies: AnchoringSettlerDependencies;
  readonly #schedule: LeaderSchedule;

  constructor(dependencies: AnchoringSettlerDependencies) {
    this.#dependencies = dependencies;
    this.#schedule = new LeaderSchedule(dependencies.clock, dependencies.node.client.chain.tip);
  }

  /** Forgets batches that are anchored and drafts that are no longer valid; resolves with the roots of those drafts. */
  async update(): Promise<Hex[]> {
    const { latest, node, pool } = this.#dependencies;
    const { committees } = latest;
    pool.keepAuthors(new Set(committees.members.map(({ operator }) => operator.toLowerCase())));
    const ended: Hex[] = [];
    if (pool.batches.length > 0 || pool.drafts.length > 0) {
      const { entries } = await node.client.listAnchors();
      const joints = new Set(entries.flatMap(({ joint }) => (joint === null ? [] : [joint.root])));
      for (const { message } of pool.drafts) {
        const { deadline, epoch, root } = message;
        if (!joints.has(root) && epoch === committees.newest && latest.chainTime() <= deadline) continue;
        pool.dropDraft(root);
        this.#schedule.end(`anchor ${root}`);
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

  /** Drafts an anchor of the batches that have waited long enough, if there are enough and it is this node's turn. */
  async draft(): Promise<void> {
    const { pool } = this.#dependencies;
    const groups = this.#groups();
    for (const [group, waiting] of groups) {
      const key = `draft ${group}`;
      if (!this.#isRipe(waiting)) {
        this.#schedule.end(key);
        continue;
      }
      if (!this.#isDue(key, `draft ${group} ${this.#slot(waiting)}`)) continue;
      this.#schedule.end(key);
      const { batches, block } = jointManifestOf(waiting);
      const { context, gossip, latest, logger, node, topic } = this.#dependencies;
      await node.client.content.put(block.bytes, { keep: "manifest" });
      const message: JointMessage = {
        epoch: latest.committees.newest,
        root: jointTree(context, { batches }).root,
        batches: batches.length,
        manifest: block.contentId,
        deadline: Math.floor(latest.chainTime()) + STANDING_SECONDS,
      };
      if (pool.draft(message.root) !== undefined) continue;
      const draft = pool.addDraft(message, undefined);
      logger.info("drafts an anchor of many", { root: message.root, batches: batches.length });
      await gossip.publish(topic, encodeMessage({ type: "draft", draft: message }));
      this.#dependencies.onDraft(draft);
    }
  }

  /** Brings drafts that all authors have signed, or enough of them, to the chain, if it is this node's turn. */
  async settle(): Promise<void> {
    const { jobs, node } = this.#dependencies;
    for (const draft of this.#dependencies.pool.drafts) {
      const { root } = draft.message;
      if (!this.#isSigned(draft) || !this.#isDue(`anchor ${root}`, `anchor ${root}`)) continue;
      jobs.start(`anchor ${root}`, async () => {
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

  /** The batches that are in no draft, by manifest. */
  #groups(): Map<number, WaitingBatch[]> {
    const { latest, pool } = this.#dependencies;
    const drafted = new Set(
      pool.drafts.flatMap(({ manifest }) => (manifest?.batches ?? []).map((batch) => keyOf(batch))),
    );
    return groupsOf(
      pool.batches.filter(({ batch }) => !drafted.has(keyOf(batch))),
      latest.committees,
    );
  }

  #isRipe(waiting: readonly WaitingBatch[]): boolean {
    const { clock, gatherMs, latest, minAuthors } = this.#dependencies;
    if (waiting.length < minAuthors) return false;
    const oldest = Math.min(...waiting.map(({ since }) => since));
    return waiting.length === latest.committees.members.length || clock.monotonic() - oldest >= gatherMs;
  }

  /** The minute, by the chain's time, in which the oldest batch came: nodes nearly agree on it, so that leaders alternate. */
  #slot(waiting: readonly WaitingBatch[]): number {
    const { clock, latest } = this.#dependencies;
    const oldest = Math.min(...waiting.map(({ since }) => since));
    return Math.floor((latest.chainTime() - (clock.monotonic() - oldest) / 1_000) / 60);
  }

  #isSigned({ manifest, message, signatures, since }: Draft): boolean {
    const { clock, gatherMs, minAuthors } = this.#dependencies;
    if (signatures.size < minAuthors) return false;
    return (
      signatures.size >= (manifest?.batches.length ?? message.batches) ||
      clock.monotonic() - since >= PATIENCE * gatherMs
    );
  }

  #isDue(key: string, task: string): boolean {
    const { latest, node } = this.#dependencies;
    const nodes = () => latest.committees.operators();
    return this.#schedule.due({ key, task, nodes }).has(node.operator.toLowerCase());
  }
}

function keyOf({ author, root }: { readonly author: string; readonly root: string }): string {
  return `${author.toLowerCase()} ${root}`;
}

import { isRevert, type JointMessage, jointTree } from "../../ports/chain/index.js";
import type { Hex, JointBatch } from "../../records/index.js";
import { LeaderSchedule } from "../aggregation/leaders/leaderSchedule.js";
import type { AnchoringContext } from "./context.js";
import { groupsOf, jointManifestOf } from "./jointManifest.js";
import { encodeMessage, type JointSignature } from "./message.js";
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

  /** A cycle begins: further nodes may step in. */
  beginCycle(): void {
    this.#schedule.update();
  }

  /** Forgets batches that are anchored and drafts that are no longer valid; resolves with the roots of those
   * batches and the ids of those drafts. */
  async update(): Promise<Hex[]> {
    const { latest, node, pool } = this.#dependencies;
    const { committees } = latest;
    pool.keepAuthors(new Set(committees.members.map(({ agent }) => agent.toLowerCase())));
    const ended: Hex[] = [];
    if (pool.batches.length > 0 || pool.drafts.length > 0) {
      const { entries } = await node.client.listAnchors();
      const drafted = new Set(pool.drafts.map(({ message }) => message.root));
      // The entries of one event share their joint anchor.
      const draftOf = memoize((joint: JointMessage) => (drafted.has(joint.root) ? pool.draftOf(joint) : undefined));
      for (const { author, joint } of entries) {
        const draft = joint === null ? undefined : draftOf(joint);
        const member = draft && committees.ofAccount(author);
        if (member !== undefined) draft?.anchored.add(member.index);
      }
      for (const draft of pool.drafts) {
        const { deadline, epoch } = draft.message;
        // One author that is anchored early does not end it: the others join.
        if (!isComplete(draft) && epoch === committees.newest && latest.chainTime() <= deadline) continue;
        this.#end(draft);
        ended.push(draft.id);
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
      const { context, gossip, latest, logger, node, topic } = this.#dependencies;
      const { batches, block } = jointManifestOf(waiting, latest.committees);
      await node.client.content.put(block.bytes, { keep: "manifest" });
      const message: JointMessage = {
        epoch: latest.committees.newest,
        root: jointTree(context, { batches }).root,
        batches: batches.length,
        manifest: block.contentId,
        deadline: Math.floor(latest.chainTime()) + STANDING_SECONDS,
      };
      if (pool.drafts.some((each) => each.from === undefined && each.message.root === message.root)) continue;
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
      const key = `anchor ${draft.id}`;
      if (!this.#isSigned(draft) || !this.#isDue(key, key)) continue;
      jobs.start(
        key,
        async () => {
          const signatures = freshOf(draft);
          try {
            const { gasUsed, hash } = await node.client.anchorJointly({ ...draft.message, signatures });
            const told = { root: draft.message.root, batches: signatures.length, transaction: hash, gas: gasUsed };
            this.#dependencies.logger.info("anchored for many", told);
          } catch (error) {
            if (isRevert(error, "KnowledgeRegistryLapsed", "KnowledgeRegistryPastEpoch")) return this.#end(draft);
            if (!isRevert(error, "KnowledgeRegistryNothingNew")) throw error;
          }
          for (const { index } of signatures) draft.anchored.add(index);
          if (isComplete(draft)) this.#end(draft);
        },
        `${draft.signatures.size}`,
      );
    }
  }

  #end({ id }: Draft): void {
    this.#dependencies.pool.dropDraft(id);
    this.#schedule.end(`anchor ${id}`);
  }

  /** The batches that are in no draft, by manifest. */
  #groups(): Map<number, WaitingBatch[]> {
    const { latest, pool } = this.#dependencies;
    const drafted = new Set(pool.drafts.flatMap((draft) => this.#heldBy(draft)).map((batch) => keyOf(batch)));
    return groupsOf(
      pool.batches.filter(({ batch }) => !drafted.has(keyOf(batch))),
      latest.committees,
    );
  }

  /** The batches that no other draft may have meanwhile. A part that is on chain waits for nobody: who did not sign is free. */
  #heldBy(draft: Draft): readonly JointBatch[] {
    const { clock, gatherMs } = this.#dependencies;
    const batches = draft.manifest?.batches ?? [];
    if (draft.anchored.size === 0 || clock.monotonic() - draft.since < PATIENCE * gatherMs) return batches;
    return batches.filter(({ index }) => draft.signatures.has(index));
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

  #isSigned(draft: Draft): boolean {
    const { clock, gatherMs, minAuthors } = this.#dependencies;
    const fresh = freshOf(draft).length;
    // To join what is anchored saves the gas of its two new words: half as many authors pay.
    if (fresh < (draft.anchored.size === 0 ? minAuthors : Math.ceil(minAuthors / 2))) return false;
    return fresh + draft.anchored.size >= batchesOf(draft) || clock.monotonic() - draft.since >= PATIENCE * gatherMs;
  }

  #isDue(key: string, task: string): boolean {
    const { latest, node } = this.#dependencies;
    const nodes = () => latest.committees.present();
    return this.#schedule.due({ key, task, nodes }).has(node.account.toLowerCase());
  }
}

function keyOf({ author, root }: { readonly author: string; readonly root: string }): string {
  return `${author.toLowerCase()} ${root}`;
}

/** Computes each value once, by the identity of the argument. */
function memoize<K extends object, V>(compute: (key: K) => V): (key: K) => V {
  const known = new Map<K, V>();
  return (key) => {
    const value = known.has(key) ? (known.get(key) as V) : compute(key);
    known.set(key, value);
    return value;
  };
}

function batchesOf({ manifest, message }: Draft): number {
  return manifest?.batches.length ?? message.batches;
}

/** Whether all authors of a draft are on chain. */
function isComplete(draft: Draft): boolean {
  return draft.anchored.size >= batchesOf(draft);
}

/** The signatures of authors that are not on chain. */
function freshOf({ anchored, signatures }: Draft): JointSignature[] {
  return [...signatures.values()].filter(({ index }) => !anchored.has(index));
}

import pMap from "p-map";
import { hasBit } from "../../ports/chain/bitset.js";
import { type Chain, type ChainEventOf, type JointTree, openJoint } from "../../ports/chain/index.js";
import type { ContentStore } from "../../ports/content/index.js";
import {
  type ContentId,
  contentIdToCid,
  decodeJointManifest,
  type Hex,
  type JointManifest,
  MAX_RECORD_BYTES,
  type SignedBatch,
} from "../../records/index.js";
import { retryDelay } from "../../utils/retryDelay.js";
import type { Membership } from "../nodes/membership.js";
import type { AnchorEntry } from "./anchorIndex.js";

/** Batches whose joint anchors stay opened, the newest; a day of a mesh of 100 nodes that anchors once a minute. */
const MAX_BATCHES = 150_000;
/** Trees that stay built: proofs are asked for of what is new. */
const MAX_TREES = 64;
/** Lists that are fetched at once. */
const PARALLEL = 8;
const FETCH_TIMEOUT_MS = 5_000;
const FIRST_RETRY_MS = 2_000;
const MAX_RETRY_MS = 300_000;

/** One root over the batches of many nodes, as its event tells it. */
export interface JointAnchor {
  readonly root: Hex;
  readonly epoch: number;
  readonly batches: number;
  /** The block that lists the batches. */
  readonly manifest: ContentId;
}

/** What shows that a batch is under a joint root. */
export interface JointPlace extends JointAnchor {
  /** The siblings from the batch up to the joint root. */
  readonly path: readonly Hex[];
  /** Of the batch: its number of records, the block that lists them, and its author's signature. */
  readonly batch: Pick<SignedBatch, "count" | "manifest" | "signature">;
}

interface Failure {
  readonly error: unknown;
  /** In a row. */
  readonly failures: number;
  readonly retryAt: number;
}

type JointEvent = ChainEventOf<"JointlyAnchored">;

/** A joint anchor whose list could not be read, and why. */
export interface UnreadJoint {
  readonly event: JointEvent;
  readonly error: unknown;
}

export interface JointAnchors {
  /**
   * The batches of joint anchors, by event, as far as their lists can be had within the time; what takes longer goes on
   * coming. A batch counts where its author has signed the joint anchor.
   */
  open(
    events: readonly JointEvent[],
    timeoutMs: number,
  ): Promise<{ readonly entries: ReadonlyMap<JointEvent, readonly AnchorEntry[]>; readonly unread: UnreadJoint[] }>;
  /** @throws ContentError, InvalidRecordError. */
  placeOf(entry: AnchorEntry & { readonly joint: JointAnchor }): Promise<JointPlace>;
}

/** Reads the lists of joint anchors from the content store, each once. */
export function createJointAnchors({
  chain,
  content,
  membership,
}: {
  readonly chain: Chain;
  readonly content: ContentStore;
  readonly membership: Membership;
}): JointAnchors {
  const context = { chainId: chain.chainId, registry: chain.addresses.KnowledgeRegistry };
  const opened = new Map<string, readonly AnchorEntry[]>();
  const opening = new Map<string, Promise<void>>();
  const failures = new Map<string, Failure>();
  const manifests = new Map<Hex, JointManifest>();
  const trees = new Map<Hex, JointTree>();
  let batches = 0;

  async function fetchManifest(joint: JointAnchor): Promise<{ manifest: JointManifest; tree: JointTree }> {
    const limits = { timeoutMs: FETCH_TIMEOUT_MS, maxBytes: MAX_RECORD_BYTES };
    const manifest = decodeJointManifest(await content.get(contentIdToCid(joint.manifest), limits));
    const tree = openJoint(context, joint, manifest);
    trees.delete(joint.root);
    trees.set(joint.root, tree);
    for (const oldest of trees.keys()) {
      if (trees.size <= MAX_TREES) break;
      trees.delete(oldest);
    }
    return { manifest, tree };
  }

  async function open(key: string, event: JointEvent): Promise<void> {
    try {
      const joint = jointOf(event);
      const { manifest } = await fetchManifest(joint);
      const signers = new Set<string>();
      for (const { index, operator } of await membership.read()) {
        if (hasBit(event.args.authors, index)) signers.add(operator.toLowerCase());
      }
      const entries = manifest.batches.flatMap((batch): AnchorEntry[] => {
        if (!signers.has(batch.author.toLowerCase())) return [];
        const { author, count, root } = batch;
        const { blockNumber, transactionHash } = event;
        return [{ author, root, sequence: null, count, manifest: batch.manifest, transactionHash, blockNumber, joint }];
      });
      opened.set(key, entries);
      manifests.set(joint.root, manifest);
      batches += entries.length;
      failures.delete(key);
      trim();
    } catch (error) {
      const count = (failures.get(key)?.failures ?? 0) + 1;
      const retryAt = Date.now() + retryDelay(count, FIRST_RETRY_MS, MAX_RETRY_MS);
      failures.set(key, { error, failures: count, retryAt });
    } finally {
      opening.delete(key);
    }
  }

  function trim(): void {
    for (const [key, entries] of opened) {
      if (batches <= MAX_BATCHES || opened.size <= 1) return;
      opened.delete(key);
      batches -= entries.length;
      const root = entries[0]?.joint?.root;
      if (root !== undefined) manifests.delete(root);
    }
  }

  return {
    async open(events, timeoutMs) {
      // The newest first; older ones than fit are as forgotten as the oldest events.
      let room = MAX_BATCHES;
      const wanted = [...events].reverse().filter(({ args }) => {
        room -= Number(args.batches);
        return room >= 0;
      });
      const awaited = wanted.filter((event) => {
        const key = keyOf(event);
        return !opened.has(key) && Date.now() >= (failures.get(key)?.retryAt ?? 0);
      });
      const reading = pMap(
        awaited,
        async (event) => {
          const key = keyOf(event);
          const running = opening.get(key) ?? open(key, event);
          if (opened.has(key)) return;
          opening.set(key, running);
          await running;
        },
        { concurrency: PARALLEL },
      );
      await within(reading, timeoutMs);

      const entries = new Map<JointEvent, readonly AnchorEntry[]>();
      const unread: UnreadJoint[] = [];
      for (const event of wanted) {
        const key = keyOf(event);
        const known = opened.get(key);
        if (known !== undefined) entries.set(event, known);
        else unread.push({ event, error: failures.get(key)?.error ?? new Error("Its list is still on its way.") });
      }
      return { entries, unread };
    },
    async placeOf({ author, joint }) {
      const [known, built] = [manifests.get(joint.root), trees.get(joint.root)];
      const { manifest, tree } = known && built ? { manifest: known, tree: built } : await fetchManifest(joint);
      const position = manifest.batches.findIndex((batch) => batch.author === author);
      const batch = manifest.batches[position];
      if (batch === undefined) throw new RangeError(`${author} has no batch under ${joint.root}`);
      const { count, manifest: listed, signature } = batch;
      return { ...joint, path: tree.path(position), batch: { count, manifest: listed, signature } };
    },
  };
}

function jointOf({ args }: JointEvent): JointAnchor {
  const { root, epoch, batches, manifest } = args;
  return {
    root: root as Hex,
    epoch: Number(epoch),
    batches: Number(batches),
    manifest: manifest as ContentId,
  };
}

/** Another block, after a reorganisation, may have another joint anchor with the same root. */
function keyOf({ blockHash, args }: JointEvent): string {
  return `${blockHash}/${args.root}`;
}

/** Waits for work that goes on by itself, and no longer than that. */
async function within(work: Promise<unknown>, milliseconds: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, milliseconds);
  });
  await Promise.race([work, timeout]);
  clearTimeout(timer);
}

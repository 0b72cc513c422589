import { LRUCache } from "lru-cache";
import { messageOf } from "../../errors.js";
import { createEventCache } from "../../ports/chain/events/eventCache.js";
import type { Chain, ChainEventOf } from "../../ports/chain/index.js";
import type { ContentStore } from "../../ports/content/index.js";
import {
  type Address,
  type BatchManifest,
  type ContentId,
  contentIdToCid,
  decodeManifest,
  type Hex,
  openBatch,
} from "../../records/index.js";
import type { Clock } from "../../utils/clock.js";
import { InvalidManifestError } from "../errors.js";
import type { Membership } from "../nodes/membership.js";
import type { AnchorEntry, AnchoredLeaf, JointAnchor, JointPlace, UnreadAnchor } from "./anchor.js";
import { FailedReads } from "./failedReads.js";
import { createJointAnchors } from "./jointAnchors.js";

/**
 * Leaves of manifests that are remembered, about 1 KB each with their proofs; the least recently read manifests are forgotten first,
 * and fetched again when needed.
 */
const MAX_LEAVES = 20_000;
/** Manifests that could not be read and are remembered. */
const MAX_FAILED = 2_000;
/** A manifest may fill a block. */
const MAX_MANIFEST_BYTES = 1024 * 1024;
/** How long to wait for the manifests of joint anchors. One that takes longer is there at a later call. */
const JOINT_TIMEOUT_MS = 2_000;

export interface AnchorIndex {
  /**
   * The newest anchors up to the newest block, oldest first: all from block `since` on, at most twenty thousand. Or those of
   * the given blocks, both ends included, from block `since` on. Joint anchors are included if their manifests come in time, in two seconds by
   * default.
   */
  anchors(options?: {
    readonly timeoutMs?: number | undefined;
    readonly blocks?: readonly [first: number, last: number] | undefined;
  }): Promise<{
    readonly entries: readonly AnchorEntry[];
    readonly unread: readonly UnreadAnchor[];
    readonly since: number;
  }>;
  /**
   * The records of an anchor, from its manifest.
   *
   * @throws {@link InvalidManifestError} if the manifest does not lead to the anchor's root; ContentError if it cannot
   * be read. Both are thrown again, without another attempt, for a while.
   */
  leaves(
    anchor: AnchorEntry,
    options: { timeoutMs: number; signal?: AbortSignal | undefined },
  ): Promise<readonly AnchoredLeaf[]>;
  /**
   * The proof that a batch is under its joint root; null if it was anchored alone.
   *
   * @throws ContentError, InvalidRecordError.
   */
  jointPlaceOf(anchor: AnchorEntry): Promise<JointPlace | null>;
}

/** Reads anchors from the chain and their manifests from the content store, each once. */
export function createAnchorIndex(parameters: {
  readonly chain: Chain;
  readonly content: ContentStore;
  readonly clock: Clock;
  readonly membership: Pick<Membership, "read">;
  /** Anchors that are remembered; twenty thousand by default. */
  readonly maxAnchors?: number;
  /** As those of joint anchors. */
  readonly maxBatches?: number;
}): AnchorIndex {
  const { chain, clock, content, maxAnchors } = parameters;
  const names = ["Anchored", "JointlyAnchored"] as const;
  const events = createEventCache(chain, names, maxAnchors);
  const joints = createJointAnchors(parameters);
  const manifests = new LRUCache<string, Promise<readonly AnchoredLeaf[]>>({ maxSize: MAX_LEAVES });
  const failed = new FailedReads(clock, MAX_FAILED);

  return {
    async anchors({ timeoutMs = JOINT_TIMEOUT_MS, blocks } = {}) {
      const all = await (blocks === undefined
        ? events.read()
        : chain.events({ names, fromBlock: blocks[0], toBlock: blocks[1] }));
      const joint = all.filter((event) => event.name === "JointlyAnchored");
      const opened = await joints.open(joint, timeoutMs);
      return {
        entries: all.flatMap((event) =>
          event.name === "Anchored" ? [entryOf(event)] : (opened.entries.get(event) ?? []),
        ),
        unread: opened.unread.map(({ error, event }) => ({ anchor: unreadOf(event), error })),
        since: Math.max(blocks?.[0] ?? events.since, (opened.leftOut ?? -1) + 1),
      };
    },
    jointPlaceOf: async (anchor) => (isJoint(anchor) ? joints.placeOf(anchor) : null),
    async leaves(anchor, options) {
      const key = `${anchor.author}/${anchor.root}`;
      if (failed.isPaused(key)) throw failed.errorOf(key);
      const leaves = manifests.get(key) ?? fetchLeaves(anchor, options);
      manifests.set(key, leaves, { size: Math.max(1, Math.min(anchor.count, MAX_LEAVES)) });
      try {
        const found = await leaves;
        failed.delete(key);
        return found;
      } catch (error) {
        manifests.delete(key);
        options.signal?.throwIfAborted();
        failed.add(key, error);
        throw error;
      }
    },
  };

  async function fetchLeaves(
    anchor: AnchorEntry,
    { timeoutMs, signal }: { timeoutMs: number; signal?: AbortSignal | undefined },
  ): Promise<readonly AnchoredLeaf[]> {
    const bytes = await content.get(contentIdToCid(anchor.manifest), {
      timeoutMs,
      maxBytes: MAX_MANIFEST_BYTES,
      ...(signal === undefined ? {} : { signal }),
    });
    try {
      return checkManifest(anchor, decodeManifest(bytes));
    } catch (error) {
      throw new InvalidManifestError(anchor.root, messageOf(error), error);
    }
  }
}

/** The leaves of a manifest with their proofs, if they are what the anchor's root stands for. */
export function checkManifest(anchor: AnchorEntry, manifest: Pick<BatchManifest, "author" | "leaves">): AnchoredLeaf[] {
  const { leaves, tree } = openBatch(anchor, manifest);
  return manifest.leaves.map(({ kind, contentId }, i) => ({
    anchor,
    kind,
    contentId,
    leaf: leaves[i] as Hex,
    proof: tree.proof(i),
  }));
}

function isJoint(anchor: AnchorEntry): anchor is AnchorEntry & { readonly joint: JointAnchor } {
  return anchor.joint !== null;
}

function unreadOf({ args, transactionHash, blockNumber }: ChainEventOf<"JointlyAnchored">): UnreadAnchor["anchor"] {
  const { root, manifest } = args;
  return { author: null, root: root as Hex, manifest: manifest as ContentId, transactionHash, blockNumber };
}

function entryOf({ args, transactionHash, blockNumber }: ChainEventOf<"Anchored">): AnchorEntry {
  return {
    author: args.author as Address,
    root: args.root as Hex,
    sequence: Number(args.sequence),
    count: Number(args.count),
    manifest: args.manifest as ContentId,
    transactionHash,
    blockNumber,
    joint: null,
  };
}

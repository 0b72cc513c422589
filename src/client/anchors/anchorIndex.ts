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
  type RecordKind,
} from "../../records/index.js";
import { retryDelay } from "../../utils/retryDelay.js";
import { InvalidManifestError } from "../errors.js";
import type { Membership } from "../nodes/membership.js";
import { createJointAnchors, type JointAnchor, type JointPlace } from "./jointAnchors.js";

/** Manifests kept; the least recently read are forgotten first, and fetched again when needed. */
const MAX_MANIFESTS = 2_000;
/** A manifest may fill a block. */
const MAX_MANIFEST_BYTES = 1024 * 1024;
/** For the lists of joint anchors: what takes longer is there the next time. */
const JOINT_TIMEOUT_MS = 2_000;
const FIRST_RETRY_MS = 2_000;
const MAX_RETRY_MS = 300_000;

/** A batch that is anchored, alone or together with others'. */
export interface AnchorEntry {
  readonly author: Address;
  readonly root: Hex;
  /** The author's anchors up to this one; null where it was anchored together with others'. */
  readonly sequence: number | null;
  readonly count: number;
  readonly manifest: ContentId;
  readonly transactionHash: Hex;
  readonly blockNumber: number;
  /** The root over many nodes' batches that it is under; null where it was anchored alone. */
  readonly joint: JointAnchor | null;
}

/** A record's place in an anchor. */
export interface AnchoredLeaf {
  readonly anchor: AnchorEntry;
  readonly kind: RecordKind;
  readonly contentId: ContentId;
  readonly leaf: Hex;
  readonly proof: readonly Hex[];
}

export interface AnchorIndex {
  /**
   * The newest anchors up to the newest block, oldest first: all from block `since` on, twenty thousand or all there are.
   * Or all of some blocks, the first and the last of which are given. Those of many nodes together are there as far as
   * their lists can be had in time, two seconds unless told otherwise.
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
   * @throws {@link InvalidManifestError} where the manifest does not say what the anchor says; ContentError where it
   * cannot be had. Both are remembered for a while.
   */
  leaves(
    anchor: AnchorEntry,
    options: { timeoutMs: number; signal?: AbortSignal | undefined },
  ): Promise<readonly AnchoredLeaf[]>;
  /**
   * What shows that a batch is under the joint root; null where it was anchored alone.
   *
   * @throws ContentError, InvalidRecordError.
   */
  jointPlaceOf(anchor: AnchorEntry): Promise<JointPlace | null>;
}

/** An anchor whose records could not be read, and why. */
export interface UnreadAnchor {
  /** Where it is one of many nodes together, the authors are not known. */
  readonly anchor: Pick<AnchorEntry, "root" | "manifest" | "transactionHash" | "blockNumber"> & {
    readonly author: Address | null;
  };
  readonly error: unknown;
}

interface Failure {
  readonly error: unknown;
  /** In a row. */
  readonly failures: number;
  readonly retryAt: number;
}

/** Reads anchors from the chain and their manifests from the content store, each once. */
export function createAnchorIndex(parameters: {
  readonly chain: Chain;
  readonly content: ContentStore;
  readonly membership: Membership;
  /** Anchors that are remembered; twenty thousand by default. */
  readonly maxAnchors?: number;
}): AnchorIndex {
  const { chain, content, maxAnchors } = parameters;
  const names = ["Anchored", "JointlyAnchored"] as const;
  const events = createEventCache(chain, names, maxAnchors);
  const joints = createJointAnchors(parameters);
  const read = new Map<string, Promise<readonly AnchoredLeaf[]>>();
  const failures = new Map<string, Failure>();

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
        since: blocks?.[0] ?? events.since,
      };
    },
    jointPlaceOf: async (anchor) => (isJoint(anchor) ? joints.placeOf(anchor) : null),
    async leaves(anchor, options) {
      const key = `${anchor.author}/${anchor.root}`;
      const failure = failures.get(key);
      if (failure !== undefined && Date.now() < failure.retryAt) throw failure.error;
      const known = read.get(key) ?? fetchLeaves(anchor, options);
      // Re-inserting makes it the most recent.
      read.delete(key);
      read.set(key, known);
      trim(read, MAX_MANIFESTS);
      try {
        const leaves = await known;
        failures.delete(key);
        return leaves;
      } catch (error) {
        read.delete(key);
        options.signal?.throwIfAborted();
        const count = (failure?.failures ?? 0) + 1;
        const retryAt = Date.now() + retryDelay(count, FIRST_RETRY_MS, MAX_RETRY_MS);
        failures.set(key, { error, failures: count, retryAt });
        trim(failures, MAX_MANIFESTS);
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

/** Forgets the oldest entries over the limit. */
function trim(map: Map<unknown, unknown>, limit: number): void {
  for (const key of map.keys()) {
    if (map.size <= limit) return;
    map.delete(key);
  }
}

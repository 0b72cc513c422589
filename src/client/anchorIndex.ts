import { messageOf } from "../errors.js";
import type { Chain, ChainEventOf } from "../ports/chain/index.js";
import type { ContentStore } from "../ports/content/index.js";
import {
  type Address,
  type BatchManifest,
  type ContentId,
  contentIdToCid,
  decodeManifest,
  type Hex,
  openBatch,
  type RecordKind,
} from "../records/index.js";
import { retryDelay } from "../utils/retryDelay.js";
import { InvalidManifestError } from "./errors.js";
import { createEventCache } from "./eventCache.js";

/** Manifests kept; the least recently read are forgotten first, and fetched again when needed. */
const MAX_MANIFESTS = 2_000;
/** A manifest may fill a block. */
const MAX_MANIFEST_BYTES = 1024 * 1024;
const FIRST_RETRY_MS = 2_000;
const MAX_RETRY_MS = 300_000;

/** An anchor as its event tells it. */
export interface AnchorEntry {
  readonly author: Address;
  readonly root: Hex;
  readonly sequence: number;
  readonly count: number;
  readonly manifest: ContentId;
  readonly transactionHash: Hex;
  readonly blockNumber: number;
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
  /** All anchors up to the newest block, oldest first. */
  anchors(): Promise<readonly AnchorEntry[]>;
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
}

interface Failure {
  readonly error: unknown;
  /** In a row. */
  readonly failures: number;
  readonly retryAt: number;
}

/** Reads anchors from the chain and their manifests from the content store, each once. */
export function createAnchorIndex({ chain, content }: { chain: Chain; content: ContentStore }): AnchorIndex {
  const events = createEventCache(chain, ["Anchored"]);
  const read = new Map<string, Promise<readonly AnchoredLeaf[]>>();
  const failures = new Map<string, Failure>();

  return {
    anchors: async () => (await events.read()).map(entryOf),
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

function entryOf({ args, transactionHash, blockNumber }: ChainEventOf<"Anchored">): AnchorEntry {
  return {
    author: args.author as Address,
    root: args.root as Hex,
    sequence: Number(args.sequence),
    count: Number(args.count),
    manifest: args.manifest as ContentId,
    transactionHash,
    blockNumber,
  };
}

/** Forgets the oldest entries over the limit. */
function trim(map: Map<unknown, unknown>, limit: number): void {
  for (const key of map.keys()) {
    if (map.size <= limit) return;
    map.delete(key);
  }
}

import pMap from "p-map";
import { hasBit } from "../../ports/chain/bitset.js";
import { type Chain, type ChainEventOf, openJoint } from "../../ports/chain/index.js";
import type { ContentStore } from "../../ports/content/index.js";
import {
  type Address,
  type ContentId,
  contentIdToCid,
  decodeJointManifest,
  type Hex,
  type JointManifest,
  MAX_RECORD_BYTES,
  type PositionTree,
} from "../../records/index.js";
import type { Clock } from "../../utils/clock.js";
import { createLruCache } from "../../utils/lruCache.js";
import { sameHex } from "../../utils/sameHex.js";
import type { Membership } from "../nodes/membership.js";
import type { AnchorEntry, JointAnchor, JointPlace } from "./anchor.js";
import { FailedReads } from "./failedReads.js";

/** Batches that are remembered, the newest, in 10 MB: two days of a mesh of 500 nodes that anchors every 90 minutes. */
const MAX_BATCHES = 16_384;
/** Trees that are remembered: most proofs are of new anchors. */
const MAX_TREES = 64;
/** Manifests that are fetched at once. */
const PARALLEL = 8;
const FETCH_TIMEOUT_MS = 5_000;
/** Reads that failed and are remembered. */
const MAX_FAILED = 2_000;

type JointEvent = ChainEventOf<"JointlyAnchored">;

/** A joint anchor whose manifest could not be read, and why. */
export interface UnreadJoint {
  readonly event: JointEvent;
  readonly error: unknown;
}

export interface JointAnchors {
  /**
   * The batches of joint anchors, by event, whose manifests come within the time; the others go on being fetched. A batch
   * counts if its author has signed the joint anchor.
   */
  open(
    events: readonly JointEvent[],
    timeoutMs: number,
  ): Promise<{
    readonly entries: ReadonlyMap<JointEvent, readonly AnchorEntry[]>;
    readonly unread: UnreadJoint[];
    /** The newest block of which a joint anchor was left out, since it is over what is remembered; undefined if none was. */
    readonly leftOut: number | undefined;
  }>;
  /** @throws ContentError, InvalidRecordError. */
  placeOf(entry: AnchorEntry & { readonly joint: JointAnchor }): Promise<JointPlace>;
}

/** Reads the manifests of joint anchors from the content store, each once. */
export function createJointAnchors({
  chain,
  clock,
  content,
  maxBatches = MAX_BATCHES,
  membership,
}: {
  readonly chain: Chain;
  readonly clock: Clock;
  readonly content: ContentStore;
  readonly membership: Pick<Membership, "read">;
  /** Batches that are remembered; sixteen thousand by default. */
  readonly maxBatches?: number | undefined;
}): JointAnchors {
  const context = { chainId: chain.chainId, registry: chain.addresses.KnowledgeRegistry };
  const opened = new Map<string, readonly AnchorEntry[]>();
  const opening = new Map<string, Promise<void>>();
  const failed = new FailedReads(clock, MAX_FAILED);
  /** By their own ids: another list may claim the same root. */
  const manifests = new Map<ContentId, JointManifest>();
  const trees = createLruCache<ContentId, PositionTree>(MAX_TREES);
  let batches = 0;

  /** Authors that join an anchor later cite the same manifest: it is fetched once. */
  async function readManifest(joint: JointAnchor): Promise<{ manifest: JointManifest; tree: PositionTree }> {
    const [known, built] = [manifests.get(joint.manifest), trees.get(joint.manifest)];
    if (known?.batches.length === joint.batches && built?.root === joint.root) return { manifest: known, tree: built };
    const limits = { timeoutMs: FETCH_TIMEOUT_MS, maxBytes: MAX_RECORD_BYTES };
    const manifest = decodeJointManifest(await content.get(contentIdToCid(joint.manifest), limits));
    const tree = openJoint(context, joint, manifest);
    trees.set(joint.manifest, tree);
    return { manifest, tree };
  }

  async function open(key: string, event: JointEvent): Promise<void> {
    try {
      const joint = jointOf(event);
      const { manifest } = await readManifest(joint);
      const signers = new Map<number, Address>();
      for (const { agent, index } of await membership.read()) {
        if (hasBit(event.args.authors, index)) signers.set(index, agent);
      }
      const entries = manifest.batches.flatMap((batch): AnchorEntry[] => {
        const signer = signers.get(batch.index);
        if (signer === undefined || !sameHex(signer, batch.author)) return [];
        const { author, count, root } = batch;
        const { blockNumber, transactionHash } = event;
        return [{ author, root, sequence: null, count, manifest: batch.manifest, transactionHash, blockNumber, joint }];
      });
      opened.set(key, entries);
      manifests.set(joint.manifest, manifest);
      batches += entries.length;
      failed.delete(key);
      trim();
    } catch (error) {
      failed.add(key, error);
    } finally {
      opening.delete(key);
    }
  }

  function trim(): void {
    for (const [key, entries] of opened) {
      if (batches <= maxBatches || opened.size <= 1) return;
      opened.delete(key);
      batches -= entries.length;
      const manifest = entries[0]?.joint?.manifest;
      if (manifest !== undefined) manifests.delete(manifest);
    }
  }

  return {
    async open(events, timeoutMs) {
      // The newest first, as many as may be remembered.
      let remaining = maxBatches;
      let leftOut: number | undefined;
      const wanted = [...events].reverse().filter(({ args, blockNumber }) => {
        remaining -= Number(args.batches);
        // One anchor is always read: none is larger than what a page of blocks can be cut to.
        if (remaining >= 0 || remaining + Number(args.batches) === maxBatches) return true;
        leftOut ??= blockNumber;
        return false;
      });
      const due = wanted.filter((event) => {
        const key = keyOf(event);
        return !opened.has(key) && !failed.isPaused(key);
      });
      const reading = pMap(
        due,
        async (event) => {
          const key = keyOf(event);
          // It may have come since `due` was computed.
          if (opened.has(key)) return;
          const running = opening.get(key) ?? open(key, event);
          opening.set(key, running);
          await running;
        },
        { concurrency: PARALLEL },
      );
      await waitAtMost(reading, timeoutMs, clock);

      const entries = new Map<JointEvent, readonly AnchorEntry[]>();
      const unread: UnreadJoint[] = [];
      for (const event of wanted) {
        const key = keyOf(event);
        const known = opened.get(key);
        if (known !== undefined) entries.set(event, known);
        else unread.push({ event, error: failed.errorOf(key) ?? new Error("Its manifest is still being fetched.") });
      }
      return { entries, unread, leftOut };
    },
    async placeOf({ author, joint }) {
      const { manifest, tree } = await readManifest(joint);
      const batch = manifest.batches.find((each) => sameHex(each.author, author));
      if (batch === undefined) throw new RangeError(`${author} has no batch under ${joint.root}`);
      const { index, count, manifest: listed, signature } = batch;
      return { ...joint, path: tree.path(index), batch: { index, count, manifest: listed, signature } };
    },
  };
}

function jointOf({ args }: JointEvent): JointAnchor {
  const { root, epoch, batches, manifest, deadline } = args;
  return {
    root: root as Hex,
    epoch: Number(epoch),
    batches: Number(batches),
    manifest: manifest as ContentId,
    deadline: Number(deadline),
  };
}

/** One block may have several events of one joint anchor, and another after a reorganisation others. */
function keyOf({ blockHash, logIndex }: JointEvent): string {
  return `${blockHash}/${logIndex}`;
}

/** Waits until the work ends, but at most this many milliseconds; the work continues after that. */
async function waitAtMost(work: Promise<unknown>, milliseconds: number, clock: Clock): Promise<void> {
  let cancel: () => void = () => undefined;
  const timeout = new Promise<void>((resolve) => {
    cancel = clock.after(milliseconds, resolve);
  });
  await Promise.race([work, timeout]);
  cancel();
}

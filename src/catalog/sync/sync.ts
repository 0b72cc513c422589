import { type Chain, type EventFeed, type FinalityRule, readHeader } from "../../ports/chain/index.js";
import type { Database } from "../database/database.js";
import { knownBlocks, readProgress, UnsettledChainError, writeProgress } from "../database/meta.js";
import { type FollowedChunk, type followedEvents, writeChunk } from "./chainRows.js";
import { rollBack } from "./rollback.js";

/** How often in a row the chain may change under a sync before it gives up until the next. */
const MAX_DISTURBANCES = 20;

export interface ChainProgress {
  /** Read through this block. */
  readonly block: number;
  readonly head: number;
  /** Events written since the sync began. */
  readonly events: number;
}

export interface ChainSync {
  readonly events: number;
  /** Blocks that left the chain and were taken back. */
  readonly undoneBlocks: number;
}

interface ChainSyncParameters {
  readonly db: Database;
  readonly feed: EventFeed<(typeof followedEvents)[number]>;
  readonly chain: Pick<Chain, "deployedAtBlock" | "provider" | "read">;
  readonly rule: FinalityRule;
  /** Called inside the transaction, before what stands above a block is taken back. */
  readonly beforeUndo: (block: number) => void;
  /** Called after that transaction. */
  readonly afterUndo: () => void;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((progress: ChainProgress) => void) | undefined;
}

/**
 * Reads the chain from where the catalog stands to its end. First the newest block that was read is compared with the
 * chain: where it has left it, everything above the common ancestor is taken back. Each chunk is one transaction, and is
 * taken only onto the block that it was read on, so a process that is killed at any instant, a chain that changes at any,
 * and two processes with one file all end the same.
 *
 * @throws ChainError, CatalogError, {@link UnsettledChainError}.
 */
export async function syncChain(parameters: ChainSyncParameters): Promise<ChainSync> {
  const { db, feed, chain, rule, beforeUndo, afterUndo, signal, onProgress } = parameters;
  const { deployedAtBlock } = chain;
  const header = (at: Parameters<typeof readHeader>[1]) => readHeader(chain, at);
  let [events, undoneBlocks] = [0, 0];

  for (let disturbances = 0; disturbances < MAX_DISTURBANCES; disturbances++) {
    signal?.throwIfAborted();
    undoneBlocks += await undoWhatLeft();
    const finalized = rule === "finalized" ? ((await header("finalized"))?.number ?? null) : null;
    const head = (await header("latest"))?.number ?? 0;
    const { block } = readProgress(db, deployedAtBlock);
    let reached = block;
    for await (const chunk of feed.chunks(block + 1, head, signal)) {
      if (!take(chunk, head, finalized)) break;
      reached = chunk.last.number;
      events += chunk.events.length;
      onProgress?.({ block: reached, head, events });
    }
    if (reached >= head) {
      // Read to the end: what was written is of the chain as it was seen last, unless it has changed again.
      if (block === reached) settle(head, finalized);
      return { events, undoneBlocks };
    }
    if (reached > block) disturbances = 0;
  }
  throw new UnsettledChainError();

  /** Whether the chunk continues what is written; it does not where the chain changed, or another process was quicker. */
  function take(chunk: FollowedChunk, head: number, finalized: number | null): boolean {
    return db.transaction(() => {
      const { block } = readProgress(db, deployedAtBlock);
      if (block !== chunk.fromBlock - 1) return false;
      const [tip] = knownBlocks(db, block, 1);
      if (tip?.number === block && tip.hash !== chunk.parentHash) return false;
      writeChunk(db, chunk, { block: chunk.last.number, head, finalized });
      return true;
    });
  }

  /** Nothing new: only what is final may have changed. */
  function settle(head: number, finalized: number | null): void {
    db.transaction(() => {
      const progress = readProgress(db, deployedAtBlock);
      if (progress.head !== head || progress.finalized !== finalized) {
        writeProgress(db, { block: progress.block, head, finalized });
      }
    });
  }

  /** Returns how many blocks were taken back. */
  async function undoWhatLeft(): Promise<number> {
    const { block, finalized } = readProgress(db, deployedAtBlock);
    const [tip] = knownBlocks(db, block, 1);
    if (tip === undefined || (await isInChain(tip))) return 0;
    const ancestor = await commonAncestor(tip.number);
    const head = (await header("latest"))?.number ?? 0;
    db.transaction(() => {
      // Another process may have been here first.
      if (readProgress(db, deployedAtBlock).block <= ancestor) return;
      beforeUndo(ancestor);
      rollBack(db, { block: ancestor, head, finalized: finalized === null ? null : Math.min(finalized, ancestor) });
    });
    afterUndo();
    return block - ancestor;
  }

  async function isInChain({ number, hash }: { number: number; hash: string }): Promise<boolean> {
    return (await header(number))?.hash === hash;
  }

  /** The newest block that was read and is in the chain: found by steps that double, then by halving. */
  async function commonAncestor(lost: number): Promise<number> {
    let above = lost;
    let below = deployedAtBlock - 1;
    for (let depth = 1; ; depth *= 2) {
      const [candidate] = knownBlocks(db, lost - depth, 1);
      if (candidate === undefined) break;
      if (await isInChain(candidate)) {
        below = candidate.number;
        break;
      }
      above = candidate.number;
    }
    for (;;) {
      const between = knownBlocks(db, above - 1, above - below).filter(({ number }) => number > below);
      const middle = between[Math.floor(between.length / 2)];
      if (middle === undefined) return below;
      if (await isInChain(middle)) below = middle.number;
      else above = middle.number;
    }
  }
}

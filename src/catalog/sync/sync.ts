import {
  behindError,
  type Chain,
  type EventFeed,
  type FinalityRule,
  hasLeftChain,
  readHeader,
} from "../../ports/chain/index.js";
import type { Database } from "../database/database.js";
import { knownBlocks, readProgress, UnsettledChainError, writeProgress } from "../database/meta.js";
import { rollbackTarget } from "../retention/forget.js";
import { type FollowedChunk, type followedEvents, writeChunk } from "./chainRows.js";
import { findOmission } from "./reread.js";
import { rollBack } from "./rollback.js";

/** A sync gives up, until the next one, when the chain has changed this many times in a row while it was read. */
const MAX_DISTURBANCES = 20;

export interface ChainProgress {
  /** The newest block that was read. */
  readonly block: number;
  readonly head: number;
  /** Events written since the sync began. */
  readonly events: number;
}

export interface ChainSync {
  readonly events: number;
  /** Blocks that a reorganisation removed, and that were rolled back. */
  readonly undoneBlocks: number;
}

interface ChainSyncParameters {
  readonly db: Database;
  readonly feed: EventFeed<(typeof followedEvents)[number]>;
  readonly chain: Pick<Chain, "deployedAtBlock" | "provider" | "read">;
  readonly rule: FinalityRule;
  /** Called inside the transaction, before everything above a block is removed. */
  readonly beforeUndo: (block: number) => void;
  /** Called after that transaction. */
  readonly afterUndo: () => void;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((progress: ChainProgress) => void) | undefined;
}

/**
 * Reads the chain from the newest block in the catalog to the newest block of the chain. If a reorganisation has removed the
 * newest block in the catalog, everything above the common ancestor is removed first. If the RPC node has not come as far as the
 * catalog, nothing is removed. Final blocks are read a second time, a stretch at each sync; if the catalog lacks one of their events,
 * which the RPC had left out, it is read anew from there on. Each chunk is one transaction, and is
 * written only if it continues the newest block in the catalog. So the result is the same if the process is killed at any
 * instant, if the chain changes at any instant, and if two processes write one file.
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
    undoneBlocks += await undoReorganised();
    const final = rule === "finalized" ? ((await header("finalized"))?.number ?? null) : null;
    const head = (await header("latest"))?.number ?? 0;
    const { block, finalized: known } = readProgress(db, deployedAtBlock);
    // What is final stays final, though an endpoint that is behind may say less.
    const finalized = final === null ? known : Math.max(known ?? final, Math.min(final, head));
    let reached = block;
    for await (const chunk of feed.chunks(block + 1, head, signal)) {
      if (!append(chunk, head, finalized)) break;
      reached = chunk.last.number;
      events += chunk.events.length;
      onProgress?.({ block: reached, head, events });
    }
    if (reached >= head) {
      // With no new block no chunk was written, but another block may have become final.
      if (block === reached) writeHead(head, finalized);
      const omission = await findOmission({ db, feed, deployedAtBlock, rule, signal });
      if (omission === undefined) return { events, undoneBlocks };
      undoAbove(omission - 1, head);
      continue;
    }
    if (reached > block) disturbances = 0;
  }
  throw new UnsettledChainError();

  /** Writes the chunk if it continues what is written; returns false if the chain changed or another process was quicker. */
  function append(chunk: FollowedChunk, head: number, finalized: number | null): boolean {
    return db.transaction(() => {
      const { block } = readProgress(db, deployedAtBlock);
      if (block !== chunk.fromBlock - 1) return false;
      const [tip] = knownBlocks(db, block, 1);
      if (tip?.number === block && tip.hash !== chunk.parentHash) return false;
      writeChunk(db, chunk, { block: chunk.last.number, head, finalized });
      return true;
    });
  }

  /** Writes the chain's newest and its newest final block. */
  function writeHead(head: number, finalized: number | null): void {
    db.transaction(() => {
      const progress = readProgress(db, deployedAtBlock);
      if (progress.head !== head || progress.finalized !== finalized) {
        writeProgress(db, { block: progress.block, head, finalized });
      }
    });
  }

  /** Removes the blocks that a reorganisation undid, and returns how many there were. */
  async function undoReorganised(): Promise<number> {
    const { block } = readProgress(db, deployedAtBlock);
    const [tip] = knownBlocks(db, block, 1);
    if (tip === undefined) return 0;
    const head = (await header("latest"))?.number ?? 0;
    // An RPC node that has not come so far is behind, unless it has another block below.
    const [known] = knownBlocks(db, Math.min(tip.number, head), 1);
    if (known === undefined || !(await hasLeftChain(chain, known))) return 0;
    const ancestor = await commonAncestor(known.number);
    undoAbove(ancestor, head);
    return block - ancestor;
  }

  /** Removes everything above a block, so that it is read again. */
  function undoAbove(ancestor: number, head: number): void {
    let isUndone = false;
    db.transaction(() => {
      const { block, finalized } = readProgress(db, deployedAtBlock);
      // Another process may have removed them first.
      if (block <= ancestor) return;
      isUndone = true;
      const target = rollbackTarget(db, ancestor);
      beforeUndo(target);
      rollBack(db, { block: target, head, finalized: finalized === null ? null : Math.min(finalized, target) });
    });
    if (isUndone) afterUndo();
  }

  async function isInChain({ number, hash }: { number: number; hash: string }): Promise<boolean> {
    const found = await header(number);
    if (found === undefined) throw behindError(number);
    return found.hash === hash;
  }

  /** The newest block that was read and is still in the chain: searched by steps that double, then by halving. */
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

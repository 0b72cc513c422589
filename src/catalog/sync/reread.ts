import { ChainError, type EventFeed, type FinalityRule } from "../../ports/chain/index.js";
import { hexOfBlob } from "../database/blobs.js";
import type { Database } from "../database/database.js";
import { readMeta, readProgress, writeMeta } from "../database/meta.js";
import type { FollowedChunk, followedEvents } from "./chainRows.js";
import { confirmationsOf } from "./confirmations.js";

/** New final blocks are read again once there are so many: one request more for an epoch of Ethereum. */
const STEP_BLOCKS = 32;

/** In the table `meta`: the last block that was read a second time. */
const KEY = "rereadThrough";

export interface RereadParameters {
  readonly db: Database;
  readonly feed: Pick<EventFeed<(typeof followedEvents)[number]>, "chunk">;
  readonly deployedAtBlock: number;
  readonly rule: FinalityRule;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Reads the next stretch of final blocks a second time. Resolves with the first block of which the catalog lacks an event, or has
 * one of another fork; undefined if it agrees.
 *
 * @throws ChainError if no endpoint answers.
 */
export async function findOmission(parameters: RereadParameters): Promise<number | undefined> {
  const { db, feed, deployedAtBlock, rule, signal } = parameters;
  const progress = readProgress(db, deployedAtBlock);
  const known = Number(readMeta(db, KEY) ?? deployedAtBlock - 1);
  const through = Math.min(known, progress.block);
  const last = Math.min(progress.block, confirmationsOf(progress, rule).through);
  if (last - through < STEP_BLOCKS) return undefined;
  signal?.throwIfAborted();
  const chunk = await chunkUnlessRefused(feed, through + 1, last);
  if (chunk === undefined) return undefined;
  return db.transaction(() => {
    const omission = firstOmission(db, chunk);
    writeMeta(db, KEY, `${omission === undefined ? chunk.last.number : omission - 1}`);
    return omission;
  });
}

/** Undefined if the RPC node does not give these blocks now, such as one that has dropped old logs: they are asked for again. */
async function chunkUnlessRefused(
  feed: RereadParameters["feed"],
  from: number,
  to: number,
): Promise<FollowedChunk | undefined> {
  try {
    return await feed.chunk(from, to);
  } catch (error) {
    if (error instanceof ChainError && (error.kind === "rpc-error" || error.kind === "rpc-state-missing"))
      return undefined;
    throw error;
  }
}

function firstOmission(db: Database, { blocks, events, fromBlock, last }: FollowedChunk): number | undefined {
  const places = db.all<{ place: string }>(
    ["anchors WHERE joint IS NULL AND", "joints WHERE", "events WHERE"]
      .map((rows) => `SELECT block || '/' || log AS place FROM ${rows} block BETWEEN ?1 AND ?2`)
      .join(" UNION ALL "),
    fromBlock,
    last.number,
  );
  const known = new Set(places.map(({ place }) => place));
  const hashes = new Map(
    db
      .all<{ number: number; hash: Uint8Array }>(
        "SELECT number, hash FROM blocks WHERE number BETWEEN ? AND ?",
        fromBlock,
        last.number,
      )
      .map(({ number, hash }) => [number, hexOfBlob(hash)]),
  );
  const missing = events.filter(({ blockNumber, logIndex }) => !known.has(`${blockNumber}/${logIndex}`));
  const forked = blocks.filter(({ number, hash }) => hashes.has(number) && hashes.get(number) !== hash);
  const [first] = [...missing.map(({ blockNumber }) => blockNumber), ...forked.map(({ number }) => number)].sort(
    (a, b) => a - b,
  );
  return first;
}

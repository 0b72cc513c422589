import { isBlock } from "../../cid.js";
import { BlockKeys, cidOfKey } from "../blockKeys.js";
import type { BlockWriter } from "../blockWriter.js";
import type { BlockDatabase } from "../engine/blockDatabase.js";
import { type BlockFiles, MIN_FILE_BYTES, type StagedBlock } from "./blockFiles.js";

/** Set once no large block is left in the database. */
export const MOVED_KEY = "!moved!";
/** Blocks moved in one step: writes wait for so long. */
const STEP = 8;

export interface MoveLargeBlocksDependencies {
  readonly db: BlockDatabase;
  readonly files: BlockFiles;
  readonly writer: BlockWriter;
}

/**
 * Moves large blocks out of the database into files, once in the life of a store that an earlier version wrote. Reads and
 * writes go on meanwhile. A block leaves the database only after its file is on the disk; killed at any instant, the next
 * opening goes on. Altered blocks stay, for whatever reads them next to find.
 */
export async function moveLargeBlocks(
  { db, files, writer }: MoveLargeBlocksDependencies,
  signal: AbortSignal,
): Promise<void> {
  if (await db.has(MOVED_KEY)) return;
  let moved = 0;
  let staged: StagedBlock[] = [];
  const commit = () =>
    writer.alone(async () => {
      // Those that were removed, or put again as files, meanwhile are not in the database any more.
      const still = await db.getMany(staged.map(({ key }) => key));
      const here = staged.filter((_, index) => still[index] !== undefined);
      for (const block of staged) if (!here.includes(block)) await files.discard(block);
      await files.commit(here);
      await db.batch(here.map(({ key }) => ({ type: "del", key })));
      moved += here.length;
      staged = [];
    });
  try {
    for await (const [key, bytes] of db.entries(BlockKeys.blocks)) {
      signal.throwIfAborted();
      if (bytes.length < MIN_FILE_BYTES || !(await isBlock(cidOfKey(key), bytes))) continue;
      staged.push(await files.stage(key, bytes));
      if (staged.length === STEP) await commit();
    }
    if (staged.length > 0) await commit();
  } finally {
    for (const block of staged) await files.discard(block);
  }
  // Not synced: if it is lost, the next opening looks again.
  await db.batch([{ type: "put", key: MOVED_KEY, value: new Uint8Array() }], { durable: false });
  if (moved > 0) await db.compact();
}

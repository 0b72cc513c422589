import { join } from "node:path";
import { messageOf } from "../../../errors.js";
import { type Clock, systemClock } from "../../../utils/clock.js";
import { ContentError, type ContentStore } from "../content.js";
import type { ContentMaintenance } from "../maintenance.js";
import { createOwnBlocks } from "../store/ownBlocks.js";
import { VerifiedBlocks } from "../store/verifiedBlocks.js";

export interface DiskParameters {
  /** The folder of `createHeliaContent`. */
  readonly dir: string;
  readonly clock?: Clock;
}

/**
 * Opens the blocks of a node that does not run, without a network: for maintenance.
 *
 * @throws {ContentError} `storage` if the folder is held by another process or cannot be opened.
 */
export async function createDiskContent({
  dir,
  clock = systemClock,
}: DiskParameters): Promise<ContentStore & ContentMaintenance> {
  const blocks = await openBlocks(dir, clock);
  return createOwnBlocks({
    blocks,
    clock,
    fetch: async (cid, altered) => {
      if (altered) throw new ContentError("corrupt", `The block ${cid} was altered on disk.`);
      throw new ContentError("missing", `The block ${cid} is not in this store.`);
    },
    heal: async () => false,
    close: () => blocks.close(),
  });
}

/** @throws {ContentError} `storage`. */
export async function openBlocks(dir: string, clock: Clock): Promise<VerifiedBlocks> {
  const blocks = new VerifiedBlocks(join(dir, "store"), clock);
  try {
    await blocks.open();
  } catch (cause) {
    await blocks.close();
    throw new ContentError("storage", `The block store in ${dir} cannot be opened.`, {
      cause,
      details: messageOf(cause),
      hints: ["Another process may hold it, such as the agent of this node: each needs a folder of its own."],
    });
  }
  return blocks;
}

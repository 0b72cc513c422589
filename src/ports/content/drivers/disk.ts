import { join } from "node:path";
import { type Clock, systemClock } from "../../../utils/clock.js";
import { ContentError, type ContentStore } from "../content.js";
import type { ContentMaintenance } from "../maintenance.js";
import { cidOfKey } from "../store/blockKeys.js";
import { LOCKED } from "../store/engine/blockDatabase.js";
import type { DatabaseRepair } from "../store/engine/repair.js";
import { createOwnBlocks } from "../store/ownBlocks.js";
import { detailsOf, isCausedBy, isNoSpace } from "../store/storeErrors.js";
import { VerifiedBlocks } from "../store/verifiedBlocks.js";

/** Blocks that an error names. */
const MAX_NAMED_BLOCKS = 20;

export interface DiskParameters {
  /** The folder of `createHeliaContent`. */
  readonly dir: string;
  readonly clock?: Clock;
  /** Called if the database of the store was damaged, and is repaired now. */
  readonly onDamage?: (error: ContentError) => void;
}

/**
 * Opens the blocks of a node that does not run, without a network: for maintenance.
 *
 * @throws {ContentError} `locked` if another process holds the folder; `damaged`, `no-space` or `storage` if it cannot be opened.
 */
export async function createDiskContent({
  dir,
  clock = systemClock,
  onDamage,
}: DiskParameters): Promise<ContentStore & ContentMaintenance> {
  const blocks = await openBlocks(dir, clock);
  if (blocks.repair !== undefined) onDamage?.(damageOf(dir, blocks.repair));
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

/** @throws {ContentError} `locked`, `damaged`, `no-space`, `storage`. */
export async function openBlocks(dir: string, clock: Clock): Promise<VerifiedBlocks> {
  try {
    return await VerifiedBlocks.open(join(dir, "store"), clock);
  } catch (cause) {
    throw openError(dir, cause);
  }
}

/** What an operator must know of a repair. */
export function damageOf(dir: string, { lostKeys = [], lostTables, reason }: DatabaseRepair): ContentError {
  const blocks = lostKeys.slice(0, MAX_NAMED_BLOCKS).map((key) => cidOfKey(key).toString());
  const rest = lostKeys.length > blocks.length ? ` and ${lostKeys.length - blocks.length} more` : "";
  const details = [
    ...(lostTables.length > 0 ? [`Lost or lost in part: ${lostTables.join(", ")}.`] : []),
    ...(blocks.length > 0 ? [`Lost blocks, by their hashes: ${blocks.join(", ")}${rest}.`] : []),
  ].join(" ");
  return new ContentError("damaged", `The block store in ${dir} was damaged and has been repaired: ${reason}.`, {
    ...(details === "" ? {} : { details }),
    hints: ["A scrub names the blocks that pins still need. Pins that are lost with a table come back from a backup."],
  });
}

/** Why a database in the folder of a store could not be opened. */
export function openError(dir: string, cause: unknown): ContentError {
  const options = { cause, details: detailsOf(cause) };
  if (isCausedBy(cause, LOCKED)) {
    return new ContentError("locked", `The block store in ${dir} is held by another process.`, {
      ...options,
      hints: ["Another process holds it, such as the agent of this node: each needs a folder of its own."],
    });
  }
  if (isNoSpace(cause)) {
    return new ContentError("no-space", `The block store in ${dir} cannot be opened: the disk has no space.`, {
      ...options,
      hints: ["Nothing that was acknowledged is lost. Free some space, then try again."],
    });
  }
  if (isCausedBy(cause, "LEVEL_CORRUPTION")) {
    return new ContentError("damaged", `The block store in ${dir} is damaged and could not be repaired.`, {
      ...options,
      hints: [
        "It was left as it is. Restore it from a backup, or move it away: the node fetches from its peers what they have.",
      ],
    });
  }
  return new ContentError("storage", `The block store in ${dir} cannot be opened.`, options);
}

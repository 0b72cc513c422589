import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { type Reserve, withReserve } from "../../utils/disk/withReserve.js";
import { writeDurably } from "../../utils/durable.js";

/** The file in the data folder that says that the folder is older than what its key has signed. */
const NAME = "restored.json";

/** `restored`: by a command; `journals-missing`: the chain knows this key, the folder is new; `rolled-back`: found out later. */
const reasons = ["restored", "journals-missing", "rolled-back"] as const;
export type RestoreReason = (typeof reasons)[number];

const schema = z.strictObject({
  why: z.enum(reasons),
  /** When that was found, in milliseconds since 1970. */
  at: z.int(),
  /** How many more signatures this key has made than the journals hold. */
  lost: z.int().min(0),
  /**
   * Nothing new is signed on what ballots or attestations could be on up to this moment, in seconds of the chain's time; null
   * until the node has listened to its peers.
   */
  until: z.int().min(0).nullable(),
});

export type Restore = z.output<typeof schema>;

/** What is remembered of the last restore of a data folder, durably. */
export class RestoreMarker {
  readonly #path: string;
  readonly #reserve: Reserve | undefined;
  #restore: Restore | undefined;

  private constructor(path: string, restore: Restore | undefined, reserve: Reserve | undefined) {
    this.#path = path;
    this.#restore = restore;
    this.#reserve = reserve;
  }

  /**
   * A marker that cannot be read counts as one of a restore: that costs ballots, and never two different ones.
   *
   * @param reserve Gives room for it on a full disk.
   */
  static async open(dataDir: string, reserve?: Reserve): Promise<RestoreMarker> {
    const path = join(dataDir, NAME);
    const text = await readFile(path, "utf8").catch((error: NodeJS.ErrnoException) => {
      if (error.code === "ENOENT") return undefined;
      throw error;
    });
    return new RestoreMarker(path, text === undefined ? undefined : parse(text), reserve);
  }

  /** Undefined if the folder was never restored. */
  get restore(): Restore | undefined {
    return this.#restore;
  }

  /** Resolves once the change is durable; it holds for this process at once, also if writing it fails. @throws {@link DiskError} */
  async set(change: Partial<Restore> & Pick<Restore, "until">): Promise<void> {
    this.#restore = { why: "rolled-back", at: 0, lost: 0, ...this.#restore, ...change };
    const text = `${JSON.stringify(this.#restore)}\n`;
    await withReserve(this.#reserve, () => writeDurably(this.#path, text));
  }
}

/**
 * Says that a data folder is older than what its key has signed. To be called before the journals are written: without room for
 * it nothing is restored.
 *
 * @throws {@link DiskError}
 */
export async function markRestored(dataDir: string, at: number, why: RestoreReason = "restored"): Promise<void> {
  const marker = await RestoreMarker.open(dataDir);
  await marker.set({ why, at, until: null });
}

function parse(text: string): Restore {
  try {
    return schema.parse(JSON.parse(text));
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof z.ZodError)
      return { why: "restored", at: 0, lost: 0, until: null };
    throw error;
  }
}

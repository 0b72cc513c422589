import type { CID } from "multiformats/cid";
import { InvalidInputError } from "../../../errors.js";
import {
  DEFAULT_GRACE_MS,
  type GcOptions,
  type GcResult,
  type LostBlock,
  MAX_NAMED_PINS,
  type Pin,
} from "../maintenance.js";
import { blockKey } from "./blockKeys.js";
import type { StoredEntry, VerifiedBlocks, Watch } from "./verifiedBlocks.js";
import { walk } from "./walk.js";

/** Blocks removed in one step: writes wait for so long. */
const SWEEP_BATCH = 256;
const PROGRESS_EVERY = 1_024;

/**
 * Mark and sweep: everything that a root reaches is marked, then what is not marked and older than the grace period is
 * removed, a few blocks at a time. What is put, fetched or rooted meanwhile is seen before each step and stays. Nothing
 * is remembered between two collections: killed at any instant, the next one begins anew.
 */
export async function collectGarbage(
  blocks: VerifiedBlocks,
  { dryRun = false, graceMs = DEFAULT_GRACE_MS, signal, onProgress }: GcOptions = {},
): Promise<GcResult> {
  if (!(graceMs >= 0)) throw new InvalidInputError(`A grace period is 0 ms or more, not ${graceMs}`);
  signal?.throwIfAborted();
  // Watched from before the first mark, so that nothing falls between marking and sweeping.
  const watch = blocks.watch();
  try {
    const marks = new Marks(blocks, signal);
    for await (const root of blocks.listRoots()) await marks.add(root);
    const oldest = Date.now() - graceMs;
    const count = { kept: 0, spared: 0, taken: 0, takenBytes: 0 };
    let batch: StoredEntry[] = [];
    const take = async (entries: readonly StoredEntry[]) => {
      const taken = dryRun ? entries : await sweep(blocks, entries, marks, watch);
      count.taken += taken.length;
      count.takenBytes += taken.reduce((sum, { bytes }) => sum + bytes, 0);
    };
    let looked = 0;
    for await (const entry of blocks.entries()) {
      signal?.throwIfAborted();
      looked += 1;
      if (looked % PROGRESS_EVERY === 0) onProgress?.(looked);
      if (marks.has(entry.key)) count.kept += 1;
      else if (entry.at > oldest || watch.touched.has(entry.key) || marks.isBlind) count.spared += 1;
      else if (batch.push(entry) === SWEEP_BATCH) {
        await take(batch);
        batch = [];
      }
    }
    await take(batch);
    onProgress?.(looked);
    return { dryRun, roots: marks.roots, ...count, missing: marks.missing };
  } finally {
    watch.end();
  }
}

/** Removes what is still free at the moment of removal. */
async function sweep(
  blocks: VerifiedBlocks,
  entries: readonly StoredEntry[],
  marks: Marks,
  watch: Watch,
): Promise<StoredEntry[]> {
  const taken: StoredEntry[] = [];
  let rest = entries;
  while (rest.length > 0) {
    for (const root of watch.takeRoots()) await marks.add(root);
    if (marks.isBlind) break;
    const now = await blocks.sweep(rest, watch, ({ key }) => !marks.has(key));
    if (now === "rooted") continue;
    taken.push(...now);
    rest = [];
  }
  return taken;
}

/** What the roots reach. */
class Marks {
  readonly #blocks: VerifiedBlocks;
  readonly #signal: AbortSignal | undefined;
  /** Beginnings of hashes: where two are the same, a block stays that could have gone. */
  readonly #marked = new Set<number>();
  readonly #missing = new Map<string, string[]>();
  roots = 0;

  constructor(blocks: VerifiedBlocks, signal: AbortSignal | undefined) {
    this.#blocks = blocks;
    this.#signal = signal;
  }

  /** Whether some of what the roots reach is unknown. */
  get isBlind(): boolean {
    return this.#missing.size > 0;
  }

  get missing(): LostBlock[] {
    return [...this.#missing].map(([cid, roots]) => ({ cid, roots }));
  }

  has(key: string): boolean {
    return this.#marked.has(markOf(key));
  }

  async add(root: Pin): Promise<void> {
    this.roots += 1;
    for await (const { cid, blind } of walk(root, (each) => this.#load(each))) {
      this.#signal?.throwIfAborted();
      this.#marked.add(markOf(blockKey(cid)));
      if (!blind) continue;
      const names = this.#missing.get(cid.toString()) ?? [];
      if (names.length < MAX_NAMED_PINS) names.push(root.name);
      this.#missing.set(cid.toString(), names);
    }
  }

  async #load(cid: CID): Promise<Uint8Array | undefined> {
    const found = await this.#blocks.read(cid);
    return found instanceof Uint8Array ? found : undefined;
  }
}

/** The hash's characters that make a mark: 45 bits. */
const MARK = { from: 8, to: 17 } as const;
const CHARACTERS = 41;

/** A number for a block's key, whose characters are 2 to 7 and A to Z. */
function markOf(key: string): number {
  let mark = 0;
  for (let i = MARK.from; i < MARK.to; i++) mark = mark * CHARACTERS + key.charCodeAt(i) - 50;
  return mark;
}

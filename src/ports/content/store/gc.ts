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
import type { BlockEntry } from "./tables/ageTable.js";
import type { VerifiedBlocks } from "./verifiedBlocks.js";
import { walk } from "./walk.js";
import type { WriteWatch } from "./writeWatches.js";

/** Blocks removed in one step: writes wait for so long. */
const SWEEP_BATCH = 256;
const PROGRESS_EVERY = 1_024;
/** Blocks dated anew in one run; the next run dates the others. */
const MAX_RESTAMPED = 65_536;

/**
 * Mark and sweep: marks everything that a pin reaches, then removes what is not marked and older than the grace period, a
 * few blocks at a time. What is put, fetched or pinned meanwhile is seen before each step and stays. No state is kept
 * between two runs: killed at any instant, the next one begins anew.
 */
export async function collectGarbage(
  blocks: VerifiedBlocks,
  { dryRun = false, graceMs = DEFAULT_GRACE_MS, whileOpen = false, signal, onProgress }: GcOptions = {},
): Promise<GcResult> {
  if (!(graceMs >= 0)) throw new InvalidInputError(`A grace period is 0 ms or more, not ${graceMs}`);
  signal?.throwIfAborted();
  // Watched from before the first mark, so that no write between marking and sweeping is missed.
  const watch = blocks.watch();
  try {
    if (!dryRun) await blocks.ages.dateFiles();
    const marks = new Marks(blocks, signal);
    for await (const pin of blocks.pins.list()) await marks.add(pin);
    const count = { kept: 0, spared: 0, removed: 0, removedBytes: 0 };
    let batch: BlockEntry[] = [];
    const remove = async (entries: readonly BlockEntry[]) => {
      const removed = dryRun ? entries : await sweep(blocks, entries, marks, watch);
      count.removed += removed.length;
      count.removedBytes += removed.reduce((sum, { bytes }) => sum + bytes, 0);
    };
    const ageOf = ({ ageMs, openMs = -1 }: BlockEntry) => (whileOpen ? openMs : ageMs);
    const ahead: BlockEntry[] = [];
    let checked = 0;
    for await (const entry of blocks.ages.entries()) {
      signal?.throwIfAborted();
      checked += 1;
      if (checked % PROGRESS_EVERY === 0) onProgress?.(checked);
      if (marks.has(entry.key)) count.kept += 1;
      else if (ageOf(entry) < graceMs || watch.touched.has(entry.key) || marks.isBlind) {
        count.spared += 1;
        // Put while the wall clock was ahead, or of unknown age: its grace period begins now.
        if (ageOf(entry) < 0 && ahead.length < MAX_RESTAMPED) ahead.push(entry);
      } else if (batch.push(entry) === SWEEP_BATCH) {
        await remove(batch);
        batch = [];
      }
    }
    await remove(batch);
    if (!dryRun && ahead.length > 0) await blocks.ages.restamp(ahead);
    if (!dryRun) await blocks.storeOpenMs();
    onProgress?.(checked);
    return { dryRun, pins: marks.pins, ...count, missing: marks.missing };
  } finally {
    watch.end();
  }
}

/** Removes what may still be removed at the moment of removal. */
async function sweep(
  blocks: VerifiedBlocks,
  entries: readonly BlockEntry[],
  marks: Marks,
  watch: WriteWatch,
): Promise<readonly BlockEntry[]> {
  for (;;) {
    for (const pin of watch.drainPins()) await marks.add(pin);
    if (marks.isBlind) return [];
    const removed = await blocks.sweep(entries, watch, ({ key }) => !marks.has(key));
    if (removed !== "pinned") return removed;
  }
}

/** What the pins reach. */
class Marks {
  readonly #blocks: VerifiedBlocks;
  readonly #signal: AbortSignal | undefined;
  /** Beginnings of hashes: if two are the same, a block stays that could have been removed. */
  readonly #marked = new Set<number>();
  readonly #missing = new Map<string, string[]>();
  pins = 0;

  constructor(blocks: VerifiedBlocks, signal: AbortSignal | undefined) {
    this.#blocks = blocks;
    this.#signal = signal;
  }

  /** Whether some of what the pins reach is unknown. */
  get isBlind(): boolean {
    return this.#missing.size > 0;
  }

  get missing(): LostBlock[] {
    return [...this.#missing].map(([cid, pins]) => ({ cid, pins }));
  }

  has(key: string): boolean {
    return this.#marked.has(markOf(key));
  }

  async add(pin: Pin): Promise<void> {
    this.pins += 1;
    for await (const { cid, blind } of walk(pin, (each) => this.#load(each))) {
      this.#signal?.throwIfAborted();
      this.#marked.add(markOf(blockKey(cid)));
      if (!blind) continue;
      const names = this.#missing.get(cid.toString()) ?? [];
      if (names.length < MAX_NAMED_PINS) names.push(pin.name);
      this.#missing.set(cid.toString(), names);
    }
  }

  async #load(cid: CID): Promise<Uint8Array | undefined> {
    const found = await this.#blocks.read(cid);
    return found instanceof Uint8Array ? found : undefined;
  }
}

/** The characters of the hash that make a mark: 45 bits. */
const MARK = { from: 8, to: 17 } as const;
const CHARACTERS = 41;

/** A number for a block's key, whose characters are 2 to 7 and A to Z. */
function markOf(key: string): number {
  let mark = 0;
  for (let i = MARK.from; i < MARK.to; i++) mark = mark * CHARACTERS + key.charCodeAt(i) - 50;
  return mark;
}

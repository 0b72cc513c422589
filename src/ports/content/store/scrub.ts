import type { CID } from "multiformats/cid";
import PQueue from "p-queue";
import { isBlock } from "../cid.js";
import {
  DEFAULT_HEAL_TIMEOUT_MS,
  type LostBlock,
  MAX_NAMED_PINS,
  type ScrubOptions,
  type ScrubResult,
} from "../maintenance.js";
import { blockKey } from "./blockKeys.js";
import type { VerifiedBlocks } from "./verifiedBlocks.js";
import { walk } from "./walk.js";

/** Fetches a block from peers and stores it; resolves to whether it is here now. */
export type HealBlock = (
  cid: CID,
  options: { readonly timeoutMs: number; readonly signal?: AbortSignal },
) => Promise<boolean>;

/** Blocks fetched at once: most arrive in milliseconds, and one that no peer has takes the whole timeout. */
const HEAL_CONCURRENCY = 32;
const PROGRESS_EVERY = 256;

/**
 * Reads and checks every block, then every block that a pin needs, and fetches again what is altered or missing. Puts and
 * fetches go on meanwhile.
 */
export async function scrub(
  blocks: VerifiedBlocks,
  heal: HealBlock,
  { timeoutMs = DEFAULT_HEAL_TIMEOUT_MS, signal, onProgress, pause }: ScrubOptions = {},
): Promise<ScrubResult> {
  const bad = new BadBlocks((cid) => heal(cid, { timeoutMs, ...(signal ? { signal } : {}) }));
  let count = 0;
  let bytes = 0;
  const report = () => onProgress?.({ blocks: count, bytes, bad: bad.size });

  for await (const block of blocks.contents()) {
    signal?.throwIfAborted();
    count += 1;
    bytes += block.bytes.length;
    // `read` checks it again before it moves it away: it may have been repaired since.
    if (!(await isBlock(block.cid, block.bytes)) && (await blocks.read(block.cid)) === "corrupt")
      await bad.add(block.cid);
    if (count % PROGRESS_EVERY === 0) report();
    await pause?.();
  }
  await bad.settled();

  for await (const pin of blocks.pins.list()) {
    // A node is fetched before its links are known.
    const load = async (cid: CID) => {
      const found = await blocks.read(cid);
      if (found instanceof Uint8Array) return found;
      await bad.add(cid);
      await bad.settled();
      const healed = await blocks.read(cid);
      return healed instanceof Uint8Array ? healed : undefined;
    };
    for await (const { cid } of walk(pin, load)) {
      signal?.throwIfAborted();
      if (bad.isLost(cid)) bad.addPin(cid, pin.name);
      else if (!(await blocks.has(cid))) await bad.add(cid, pin.name);
      await pause?.();
    }
  }
  await bad.settled();
  report();
  return { blocks: count, bytes, bad: bad.size, healed: bad.healed, lost: bad.lost };
}

/** The blocks found bad, and whether they were fetched again. */
class BadBlocks {
  readonly #heal: (cid: CID) => Promise<boolean>;
  readonly #fetches = new PQueue({ concurrency: HEAL_CONCURRENCY });
  readonly #failures: unknown[] = [];
  readonly #found = new Map<string, { cid: CID; healed: boolean; readonly pins: string[] }>();

  constructor(heal: (cid: CID) => Promise<boolean>) {
    this.#heal = heal;
  }

  get size(): number {
    return this.#found.size;
  }

  get healed(): number {
    return [...this.#found.values()].filter(({ healed }) => healed).length;
  }

  get lost(): LostBlock[] {
    return [...this.#found.values()]
      .filter(({ healed }) => !healed)
      .map(({ cid, pins }) => ({ cid: cid.toString(), pins }));
  }

  /** Whether no peer had it, or its fetch still runs. */
  isLost(cid: CID): boolean {
    return this.#found.get(blockKey(cid))?.healed === false;
  }

  addPin(cid: CID, pin: string): void {
    const found = this.#found.get(blockKey(cid));
    if (found === undefined) return;
    // The pin's tree knows the block's codec, which the store does not.
    found.cid = cid;
    if (found.pins.length < MAX_NAMED_PINS && !found.pins.includes(pin)) found.pins.push(pin);
  }

  /** Starts the block's fetch; resolves once another may be started, not when the block is here. */
  async add(cid: CID, pin?: string): Promise<void> {
    const key = blockKey(cid);
    const known = this.#found.has(key);
    const found = this.#found.get(key) ?? { cid, healed: false, pins: [] };
    this.#found.set(key, found);
    if (pin !== undefined) this.addPin(cid, pin);
    if (known) return;
    await this.#fetches.onSizeLessThan(1);
    this.#throwFailure();
    this.#fetches
      .add(async () => {
        found.healed = await this.#heal(cid);
      })
      // Thrown at the next call: nothing may be awaiting this fetch now.
      .catch((error: unknown) => this.#failures.push(error));
  }

  async settled(): Promise<void> {
    await this.#fetches.onIdle();
    this.#throwFailure();
  }

  #throwFailure(): void {
    if (this.#failures.length > 0) throw this.#failures[0];
  }
}

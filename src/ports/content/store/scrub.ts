import type { CID } from "multiformats/cid";
import { isBlockOf } from "../cid.js";
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

/** Fetches a block from elsewhere and stores it; resolves to whether it is here now. */
export type Heal = (
  cid: CID,
  options: { readonly timeoutMs: number; readonly signal?: AbortSignal },
) => Promise<boolean>;

/** Blocks looked for at once: most are found in milliseconds, and what nobody has takes its whole time. */
const HEAL_CONCURRENCY = 32;
const PROGRESS_EVERY = 256;

/**
 * Reads and checks every block, then looks for every block that a root needs, and fetches again what is bad. Puts and
 * fetches go on meanwhile.
 */
export async function scrub(
  blocks: VerifiedBlocks,
  heal: Heal,
  { timeoutMs = DEFAULT_HEAL_TIMEOUT_MS, signal, onProgress, pause }: ScrubOptions = {},
): Promise<ScrubResult> {
  const bad = new BadBlocks((cid) => heal(cid, { timeoutMs, ...(signal ? { signal } : {}) }));
  let count = 0;
  let bytes = 0;
  const tell = () => onProgress?.({ blocks: count, bytes, bad: bad.size });

  for await (const block of blocks.contents()) {
    signal?.throwIfAborted();
    count += 1;
    bytes += block.bytes.length;
    // Looked at again by whoever moves it aside, for it may have been healed since.
    if (!isBlockOf(block.cid, block.bytes) && (await blocks.read(block.cid)) === "corrupt") await bad.add(block.cid);
    if (count % PROGRESS_EVERY === 0) tell();
    await pause?.();
  }
  await bad.settled();

  for await (const root of blocks.listRoots()) {
    // A node is healed before what hangs below it can be looked for.
    const load = async (cid: CID) => {
      const found = await blocks.read(cid);
      if (found instanceof Uint8Array) return found;
      await bad.add(cid);
      await bad.settled();
      const healed = await blocks.read(cid);
      return healed instanceof Uint8Array ? healed : undefined;
    };
    for await (const { cid } of walk(root, load)) {
      signal?.throwIfAborted();
      if (bad.isLost(cid)) bad.name(cid, root.name);
      else if (!(await blocks.has(cid))) await bad.add(cid, root.name);
      await pause?.();
    }
  }
  await bad.settled();
  tell();
  return { blocks: count, bytes, bad: bad.size, healed: bad.healed, lost: bad.lost };
}

/** What was found bad, and what became of it. */
class BadBlocks {
  readonly #heal: (cid: CID) => Promise<boolean>;
  readonly #healing = new Set<Promise<void>>();
  readonly #failures: unknown[] = [];
  readonly #found = new Map<string, { cid: CID; healed: boolean; readonly roots: string[] }>();

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
      .map(({ cid, roots }) => ({ cid: cid.toString(), roots }));
  }

  /** Whether it was looked for in vain, or is being looked for. */
  isLost(cid: CID): boolean {
    return this.#found.get(blockKey(cid))?.healed === false;
  }

  name(cid: CID, root: string): void {
    const found = this.#found.get(blockKey(cid));
    if (found === undefined) return;
    // Whoever links to it knows its codec.
    found.cid = cid;
    if (found.roots.length < MAX_NAMED_PINS && !found.roots.includes(root)) found.roots.push(root);
  }

  /** Looks for it; resolves once there is room for the next, not when it is found. */
  async add(cid: CID, root?: string): Promise<void> {
    const key = blockKey(cid);
    const found = this.#found.get(key) ?? { cid, healed: false, roots: [] };
    const known = this.#found.has(key);
    this.#found.set(key, found);
    if (root !== undefined) this.name(cid, root);
    if (known) return;
    while (this.#healing.size >= HEAL_CONCURRENCY) await Promise.race(this.#healing);
    this.#throwFailure();
    const healing: Promise<void> = this.#heal(cid)
      .then((healed) => {
        found.healed = healed;
      })
      // Kept for whoever waits next: nobody may be waiting now.
      .catch((error: unknown) => {
        this.#failures.push(error);
      })
      .finally(() => this.#healing.delete(healing));
    this.#healing.add(healing);
  }

  async settled(): Promise<void> {
    await Promise.all(this.#healing);
    this.#throwFailure();
  }

  #throwFailure(): void {
    if (this.#failures.length > 0) throw this.#failures[0];
  }
}

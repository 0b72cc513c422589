import type { AbortOptions } from "./content.js";

/** A name for content that must stay, whoever else needs the same blocks or stops to need them. */
export interface Pin {
  /** Unique in a store, at most 512 characters. Setting the same name again replaces it. */
  readonly name: string;
  readonly cid: string;
  /** Why it is kept, such as `record`, `manifest` or `model`. */
  readonly reason: string;
  /** `block`: this block alone, as of records, whose references are text; `tree`: and all that it links to. */
  readonly scope: "block" | "tree";
  /** Milliseconds since 1970. */
  readonly since: number;
}

/** The names that a store's content is kept under, on disk beside the blocks. */
export interface Pins {
  /**
   * Keeps content from now on; resolves once that is on the disk. What is not here yet is kept as it comes. `scope` is
   * `tree` by default; `since` is now, but where a root is brought back that was set before.
   */
  set(root: Pick<Pin, "name" | "cid" | "reason"> & Partial<Pick<Pin, "scope" | "since">>): Promise<void>;
  /** Stops keeping it under this name; resolves to whether there was one. */
  drop(name: string): Promise<boolean>;
  get(name: string): Promise<Pin | undefined>;
  /** All of them, by name. */
  list(): AsyncGenerator<Pin>;
}

export interface GcOptions extends AbortOptions {
  /** Says what would be taken, and takes nothing. */
  readonly dryRun?: boolean;
  /** Whatever was put or fetched this recently stays, in milliseconds; {@link DEFAULT_GRACE_MS} by default. */
  readonly graceMs?: number;
  /** Told now and then how many blocks were looked at. */
  readonly onProgress?: (blocks: number) => void;
}

export interface GcResult {
  readonly dryRun: boolean;
  readonly roots: number;
  /** Blocks that are here and reached from a root. */
  readonly kept: number;
  /** Blocks that no root reaches and that stay: young, put again meanwhile, or because something is missing. */
  readonly spared: number;
  /** Blocks taken, or that would be. */
  readonly taken: number;
  readonly takenBytes: number;
  /**
   * Nodes of kept trees that are not here or altered, with the roots that need them. What hangs below them is unknown:
   * where there is one, nothing is taken.
   */
  readonly missing: readonly LostBlock[];
}

export interface ScrubOptions extends AbortOptions {
  /** For each block that is fetched again, in milliseconds; {@link DEFAULT_HEAL_TIMEOUT_MS} by default. */
  readonly timeoutMs?: number;
  /** Told now and then how far it is. */
  readonly onProgress?: (progress: { readonly blocks: number; readonly bytes: number; readonly bad: number }) => void;
  /** Awaited after each block, for whoever has time and leaves it to others. */
  readonly pause?: () => Promise<void>;
}

export interface ScrubResult {
  readonly blocks: number;
  readonly bytes: number;
  /** Blocks found altered, and blocks that a root needs and that were not here. */
  readonly bad: number;
  /** Of those, fetched again and whole. */
  readonly healed: number;
  /** Those that nobody had. */
  readonly lost: readonly LostBlock[];
}

export interface LostBlock {
  readonly cid: string;
  /** Names of roots that need it, {@link MAX_NAMED_PINS} at most; none where nothing keeps it. */
  readonly roots: readonly string[];
}

/** A block in a store, by its hash: its codec is known only to whoever links to it, so that its CID is that of raw. */
export interface StoredBlock {
  readonly cid: string;
  readonly bytes: number;
  /** When it was last put or fetched, in milliseconds since 1970. */
  readonly since: number;
}

/** What the owner of a store on disk can do with it. */
export interface ContentMaintenance {
  readonly pins: Pins;
  /**
   * Takes every block that no root reaches and that is older than the grace period. Puts and fetches go on meanwhile.
   * Blocks whose age is unknown, of earlier versions, stay.
   */
  gc(options?: GcOptions): Promise<GcResult>;
  /** Reads and checks every block, and looks for every block that a root needs; fetches again what is bad. */
  scrub(options?: ScrubOptions): Promise<ScrubResult>;
  /**
   * Every block that these roots need, all of the store's by default, with one root that needs it, some more than once;
   * those below a node that cannot be read are not known.
   */
  needed(roots?: AsyncIterable<Pin>): AsyncGenerator<{ readonly cid: string; readonly root: string }>;
  /** Every block whose age is known, unchecked. */
  blocks(): AsyncGenerator<StoredBlock>;
}

/** Between the put of a block and the root that needs it lie seconds; a day forgives a job that is started again. */
export const DEFAULT_GRACE_MS = 24 * 3_600_000;
/** A peer that has a block gives it in milliseconds. */
export const DEFAULT_HEAL_TIMEOUT_MS = 3_000;
export const MAX_NAMED_PINS = 8;
export const MAX_PIN_NAME = 512;

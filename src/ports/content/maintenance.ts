import type { AbortOptions } from "./content.js";

/** A name under which content must stay, whatever other pins hold or release the same blocks. */
export interface Pin {
  /** Unique in a store, at most {@link MAX_PIN_NAME} characters. Setting the same name again replaces the pin. */
  readonly name: string;
  readonly cid: string;
  /** Why the content stays, such as `record`, `manifest` or `model`. */
  readonly reason: string;
  /** `block`: this block alone, as for records, whose references are text; `tree`: this block and all that it links to. */
  readonly scope: "block" | "tree";
  /** Milliseconds since 1970. */
  readonly since: number;
}

/** The pins of a store, on disk beside its blocks. */
export interface Pins {
  /**
   * Adds or replaces a pin; resolves once it is on the disk. The content may come later. `scope` is `tree` by default;
   * `since` is now by default, and is given when a pin is restored.
   */
  set(pin: Pick<Pin, "name" | "cid" | "reason"> & Partial<Pick<Pin, "scope" | "since">>): Promise<void>;
  /** Removes a pin; resolves to whether there was one. */
  drop(name: string): Promise<boolean>;
  get(name: string): Promise<Pin | undefined>;
  /** All pins, ordered by name. */
  list(): AsyncGenerator<Pin>;
}

export interface GcOptions extends AbortOptions {
  /** Counts what would be removed, and removes nothing. */
  readonly dryRun?: boolean;
  /** Blocks put or fetched this recently stay, in milliseconds; {@link DEFAULT_GRACE_MS} by default. */
  readonly graceMs?: number;
  /**
   * Whether a block's age is only the time in which the store was open: then a wrong wall clock removes nothing early. For
   * a store that stays open; a store that is opened for moments keeps its blocks for longer. False by default.
   */
  readonly whileOpen?: boolean;
  /** Called now and then with the number of blocks checked. */
  readonly onProgress?: (blocks: number) => void;
}

export interface GcResult {
  readonly dryRun: boolean;
  readonly pins: number;
  /** Blocks that are here and that a pin reaches. */
  readonly kept: number;
  /** Blocks that no pin reaches and that stay: they are young, were put again meanwhile, or `missing` is not empty. */
  readonly spared: number;
  /** Blocks removed, or that a dry run would remove. */
  readonly removed: number;
  readonly removedBytes: number;
  /**
   * Inner nodes of pinned trees that are not here or are altered, with the pins that need them. What they link to is
   * unknown: if there is one, nothing is removed.
   */
  readonly missing: readonly LostBlock[];
}

export interface ScrubOptions extends AbortOptions {
  /** For each block that is fetched again, in milliseconds; {@link DEFAULT_HEAL_TIMEOUT_MS} by default. */
  readonly timeoutMs?: number;
  /** Called now and then with the progress. */
  readonly onProgress?: (progress: { readonly blocks: number; readonly bytes: number; readonly bad: number }) => void;
  /** Awaited after each block, so that a caller can leave the machine to other work. */
  readonly pause?: () => Promise<void>;
}

export interface ScrubResult {
  readonly blocks: number;
  readonly bytes: number;
  /** Blocks found altered, and blocks that a pin needs and that were not here. */
  readonly bad: number;
  /** Of those, the ones fetched again. */
  readonly healed: number;
  /** Of those, the ones that no peer had. */
  readonly lost: readonly LostBlock[];
}

export interface LostBlock {
  readonly cid: string;
  /** Names of pins that need it, {@link MAX_NAMED_PINS} at most; empty if none does. */
  readonly pins: readonly string[];
}

/** A block in a store. Stores know blocks by hash and not by codec, so the CID here is always of the codec raw. */
export interface StoredBlock {
  readonly cid: string;
  readonly bytes: number;
  /** When it was last put or fetched, in milliseconds since 1970. */
  readonly since: number;
}

export interface NeededBlock {
  readonly cid: string;
  /** The name of a pin that needs it. */
  readonly pin: string;
}

/** Maintenance of a store on disk, for its owner. */
export interface ContentMaintenance {
  readonly pins: Pins;
  /**
   * Removes every block that no pin reaches and that is older than the grace period. Puts and fetches go on meanwhile.
   * Blocks of unknown age, such as those that another program stored, stay.
   */
  gc(options?: GcOptions): Promise<GcResult>;
  /** Reads and checks every block, and every block that a pin needs; fetches again what is altered or missing. */
  scrub(options?: ScrubOptions): Promise<ScrubResult>;
  /**
   * Every block that these pins need, each with the name of one such pin; a block may come more than once. All pins of
   * the store by default. Blocks below a node that cannot be read are unknown and left out.
   */
  needed(pins?: AsyncIterable<Pin>): AsyncGenerator<NeededBlock>;
  /** Every block of known age, unchecked. */
  blocks(): AsyncGenerator<StoredBlock>;
}

/** A block and the pin that needs it are written seconds apart; a day leaves time to start a failed job again. */
export const DEFAULT_GRACE_MS = 24 * 3_600_000;
/** A peer that has a block gives it in milliseconds. */
export const DEFAULT_HEAL_TIMEOUT_MS = 3_000;
export const MAX_NAMED_PINS = 8;
export const MAX_PIN_NAME = 512;

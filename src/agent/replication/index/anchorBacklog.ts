import type { Database } from "../../../catalog/database/database.js";
import { readMeta, writeMeta } from "../../../catalog/database/meta.js";
import type { AnchorEntry, Client, UnreadAnchor } from "../../../client/index.js";
import type { ContentId } from "../../../records/index.js";

/** Blocks whose anchors are read at once if the client does not remember them. */
const PAGE_BLOCKS = 10_000;
/** Records that one update adds, and anchors that it reads, so that it ends soon and takes little memory. */
const MAX_ADDED = 20_000;
const MAX_READ = 2_000;
/** Blocks before the newest whose anchors are compared with the index again: a reorganisation may have changed them. */
export const REORG_BLOCKS = 256;
/** Anchors past all retention that are remembered, in case that one of them lists a record on hold. */
const MAX_SKIPPED = 20_000;

/** Manifests of before all retention that are read at each update, if one may list a record on hold. */
const RETRIED = 16;

/** The newest blocks of which all records are past their retention; -1 if no block is. */
export interface PastBlocks {
  /** Of any kind. */
  readonly all: number;
  /** Of those under joint anchors, which are kept as long as states are. */
  readonly joint: number;
}

export interface AnchorBacklogDependencies {
  readonly db: Database;
  readonly client: Pick<Client, "chain" | "listAnchors">;
  /** Whether this node holds a manifest. */
  readonly holdsManifest: (contentId: ContentId) => Promise<boolean>;
}

/** Anchors that were listed, and whether that was all. */
interface ListedAnchors {
  readonly entries: readonly AnchorEntry[];
  /** Joint anchors of which not even the authors could be read. */
  readonly unread: readonly UnreadAnchor[];
  /** Whether there are older anchors that were not listed yet. */
  readonly isPartial: boolean;
}

/** The anchors that are not indexed yet: which of them are read next, a bounded number at a time, and which are not worth it. */
export class AnchorBacklog {
  readonly #dependencies: AnchorBacklogDependencies;
  /** Anchors past all retention whose manifests are not pinned here. */
  readonly #skipped = new Map<string, AnchorEntry>();
  /** Anchors that the client has forgotten and that are not indexed yet. */
  #older: readonly AnchorEntry[] = [];
  #nextSkipped = 0;
  /** Where the next update begins, if there is more than it reads: anchors that cannot be read must not hold up the others. */
  #nextDue = 0;
  #isRescanned = false;
  #pageBlocks = PAGE_BLOCKS;

  constructor(dependencies: AnchorBacklogDependencies) {
    this.#dependencies = dependencies;
  }

  /** The block up to which anchors that the client has forgotten were listed. */
  get olderThrough(): number {
    return Number(readMeta(this.#db, "olderThrough") ?? this.#firstBlock);
  }

  /** The anchors that the client remembers, and a page of older ones that are not indexed yet. */
  async list({ joint }: PastBlocks, indexedThrough: number): Promise<ListedAnchors> {
    const { client } = this.#dependencies;
    const { entries, since = 0, unread } = await client.listAnchors();
    const newest = entries.filter(({ blockNumber }) => blockNumber > indexedThrough - REORG_BLOCKS);
    const from = this.olderThrough;
    const older = this.#older.filter((entry) => !this.isIndexed(entry));
    if (from >= since || older.length >= MAX_READ) {
      this.#older = older;
      return { entries: [...older, ...newest], unread, isPartial: from < since };
    }
    const to = Math.min(from + this.#pageBlocks, since);
    const page = await client.listAnchors({ blocks: [from, to - 1] });
    // If not all of a page fits into the client's memory, it is read in smaller pages, from its beginning.
    const isCut = (page.since ?? from) > from && to - from > 1;
    this.#pageBlocks = isCut ? Math.ceil((to - from) / 2) : Math.min(PAGE_BLOCKS, 2 * this.#pageBlocks);
    if (isCut) return { entries: [...older, ...newest], unread, isPartial: true };
    this.#older = [...older, ...page.entries.filter((entry) => !this.isIndexed(entry))];
    // A page with an unread joint anchor is read again at the next update.
    const blocked = page.unread.map(({ anchor }) => anchor.blockNumber).filter((block) => block > joint);
    const next = Math.min(to, ...blocked);
    writeMeta(this.#db, "olderThrough", String(next));
    const known = new Set(this.#older.map(keyOf).map(String));
    const others = newest.filter((entry) => !known.has(String(keyOf(entry))));
    return { entries: [...this.#older, ...others], unread: [...page.unread, ...unread], isPartial: next < since };
  }

  /** The anchors that are not indexed; `now`, as many of them as one update reads. */
  async due(entries: readonly AnchorEntry[], past: PastBlocks, isHoldUnlisted: boolean) {
    const all: AnchorEntry[] = [];
    const skipped: AnchorEntry[] = [];
    for (const entry of entries) {
      if (this.isIndexed(entry)) continue;
      const key = String(keyOf(entry));
      if (entry.blockNumber > pastOf(entry, past)) {
        this.#skipped.delete(key);
        all.push(entry);
      } else if (!this.#skipped.has(key)) {
        if (await this.#dependencies.holdsManifest(entry.manifest)) all.push(entry);
        else this.#skip(key, entry);
      }
    }
    // Past no more: a later vote keeps records for longer.
    for (const [key, entry] of this.#skipped) {
      if (entry.blockNumber > pastOf(entry, past)) {
        this.#skipped.delete(key);
        all.push(entry);
      } else skipped.push(entry);
    }
    this.#older = this.#older.filter((entry) => !this.#skipped.has(String(keyOf(entry))));
    const now = this.#pick(all);
    if (!isHoldUnlisted) return { all, now };
    // Round robin: a manifest that no node has must not block the others.
    const retried = skipped.slice(this.#nextSkipped, this.#nextSkipped + RETRIED);
    this.#nextSkipped = this.#nextSkipped + RETRIED < skipped.length ? this.#nextSkipped + RETRIED : 0;
    return { all: [...all, ...retried], now: [...now, ...retried] };
  }

  /** As many anchors as one update reads, in turns. */
  #pick(all: readonly AnchorEntry[]): AnchorEntry[] {
    const from = this.#nextDue < all.length ? this.#nextDue : 0;
    let records = 0;
    const picked = all.slice(from, from + MAX_READ).filter(({ count = 1 }) => {
      records += count;
      return records - count < MAX_ADDED;
    });
    this.#nextDue = picked.length === all.length ? 0 : from + picked.length;
    return picked;
  }

  /**
   * Lists all anchors again if some that were past all retention may be needed: a vote keeps records for longer, or one that is
   * on hold is in no manifest that was read since the start. Returns whether it does.
   */
  rescanFor({ all, joint }: PastBlocks, isHoldUnlisted: boolean): boolean {
    const [allBefore = -1, jointBefore = -1] = (readMeta(this.#db, "past") ?? "").split(" ").map(Number);
    const isLonger = all < allBefore || joint < jointBefore;
    if (all !== allBefore || joint !== jointBefore) writeMeta(this.#db, "past", `${all} ${joint}`);
    if (!isLonger && (!isHoldUnlisted || this.#isRescanned)) return false;
    this.#isRescanned = true;
    writeMeta(this.#db, "olderThrough", String(this.#firstBlock));
    return true;
  }

  #skip(key: string, entry: AnchorEntry): void {
    this.#skipped.set(key, entry);
    for (const oldest of this.#skipped.keys()) {
      if (this.#skipped.size <= MAX_SKIPPED) return;
      this.#skipped.delete(oldest);
    }
  }

  isIndexed(entry: AnchorEntry): boolean {
    return this.#db.get("SELECT 1 FROM anchors WHERE key = ?", keyOf(entry)) !== undefined;
  }

  /** Remembers that an anchor is indexed. */
  setIndexed(entry: AnchorEntry): void {
    this.#db.run(
      "INSERT OR IGNORE INTO anchors (key, block, joint) VALUES (?, ?, ?)",
      ...[keyOf(entry), entry.blockNumber, Number(entry.joint !== null)],
    );
  }

  get #firstBlock(): number {
    return this.#dependencies.client.chain.deployedAtBlock ?? 0;
  }

  get #db(): Database {
    return this.#dependencies.db;
  }
}

export function pastOf({ joint }: AnchorEntry, past: PastBlocks): number {
  return joint === null ? past.all : past.joint;
}

function keyOf({ author, root }: AnchorEntry): Uint8Array {
  return Buffer.from(`${author.slice(2)}${root.slice(2)}`, "hex");
}

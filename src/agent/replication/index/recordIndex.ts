import pMap from "p-map";
import { type Database, openDatabase, removeDatabase } from "../../../catalog/database/database.js";
import { readMeta, writeMeta } from "../../../catalog/database/meta.js";
import { CatalogError } from "../../../catalog/errors.js";
import type { AuthorQuota } from "../../../catalog/retention/usage.js";
import type { AnchorEntry, Client, UnreadAnchor } from "../../../client/index.js";
import { readHeader } from "../../../ports/chain/index.js";
import type { Pins } from "../../../ports/content/index.js";
import { type ContentId, cidToContentId, contentIdToCid } from "../../../records/index.js";
import { type Clock, systemClock } from "../../../utils/clock.js";
import { type IndexedKind, type IndexedRecord, type ListedRecord, REPLICA_PIN } from "./indexedRecord.js";
import { RecordRows } from "./recordRows.js";
import { INDEX_FILE } from "./tables.js";

const MANIFEST_TIMEOUT_MS = 5_000;
/** Manifests that are fetched at once. */
const PARALLEL = 16;
/** Blocks whose anchors are read at once if the client does not remember them. */
const PAGE_BLOCKS = 10_000;
/** Records that one update adds, and anchors that it reads, so that it ends soon and takes little memory. */
const MAX_ADDED = 20_000;
const MAX_READ = 2_000;
/** Blocks before the newest whose anchors are compared with the index again: a reorganisation may have changed them. */
const REORG_BLOCKS = 256;
/** Pages of 4 KB that one call gives back to the disk. */
const SHRUNK_PAGES = 1_000;
/** Anchors past all retention that are remembered, in case that one of them lists a record on hold. */
const MAX_SKIPPED = 20_000;

export interface RecordIndexParameters {
  readonly client: Pick<Client, "chain" | "fetchLeaves" | "listAnchors">;
  readonly pins: Pick<Pins, "get" | "list">;
  /** The bytes of a replica that this node has pinned, those of its file included; asked for what an index built anew finds. */
  readonly sizeOf?: ((contentId: ContentId, kind: IndexedKind) => Promise<number>) | undefined;
  /** How much is replicated for each author; all by default. */
  readonly quota?: AuthorQuota | undefined;
  /** The file; in memory by default. */
  readonly path?: string | undefined;
  readonly clock?: Pick<Clock, "now"> | undefined;
}

/** The newest blocks of which all records are past their retention; -1 if no block is. */
export interface PastBlocks {
  /** Of any kind. */
  readonly all: number;
  /** Of those under joint anchors, which are kept as long as states are. */
  readonly joint: number;
}

/**
 * Every record and manifest of the anchors whose manifests could be read, in a file: memory does not grow with their number.
 * The file is a cache, built anew if it is damaged or of another chain.
 */
export class RecordIndex {
  readonly rows: RecordRows;
  readonly #db: Database;
  readonly #parameters: RecordIndexParameters;
  /** Anchors past all retention whose manifests are not pinned here. */
  readonly #skipped = new Map<string, AnchorEntry>();
  /** Anchors that the client has forgotten and that are not indexed yet. */
  #older: readonly AnchorEntry[] = [];
  #nextSkipped = 0;
  /** Where the next update begins, if there is more than it reads: anchors that cannot be read must not hold up the others. */
  #nextDue = 0;
  #isRescanned = false;
  #pageBlocks = PAGE_BLOCKS;
  #unread = 0;
  #isBehind = false;
  #block: number;

  private constructor(db: Database, parameters: RecordIndexParameters) {
    this.#db = db;
    this.#parameters = parameters;
    const unlimited = { bytes: Number.POSITIVE_INFINITY, records: Number.POSITIVE_INFINITY };
    this.rows = new RecordRows(db, parameters.quota ?? unlimited);
    this.#block = Number(readMeta(db, "block") ?? 0);
  }

  /** @throws {CatalogError} `no-sqlite`, `busy` or `storage`. */
  static async open(parameters: RecordIndexParameters): Promise<RecordIndex> {
    const { clock = systemClock, client, path = ":memory:" } = parameters;
    const open = () => openDatabase(path, INDEX_FILE);
    const rebuild = async () => {
      await removeDatabase(path, clock, INDEX_FILE);
      return open();
    };
    let db = await open().catch((error: unknown) => {
      if (!(error instanceof CatalogError) || !error.needsRebuild) throw error;
      return rebuild();
    });
    if (path !== ":memory:" && !(await isOfChain(db, client))) {
      db.close();
      db = await rebuild();
    }
    const index = new RecordIndex(db, parameters);
    await index.#readPins();
    return index;
  }

  close(): void {
    this.#db.close();
  }

  find(contentId: ContentId): IndexedRecord | undefined {
    return this.rows.find(contentId);
  }

  /** Anchors whose manifests could not be read at the last update. */
  get unread(): number {
    return this.#unread;
  }

  /** The newest block up to which every anchor is indexed. */
  get block(): number {
    return this.#block;
  }

  /** Whether the last update left more to be read than it reads at once. */
  get isBehind(): boolean {
    return this.#isBehind;
  }

  /**
   * Reads the manifests of new anchors, a bounded number, and returns what they add; one that is out of reach is read at the
   * next update. Of anchors past all retention only those are read whose manifests are pinned here.
   *
   * @param isHoldUnlisted A record on hold is in no manifest read so far: a few skipped manifests are read each time.
   */
  async update(
    signal: AbortSignal,
    past: PastBlocks = { all: -1, joint: -1 },
    isHoldUnlisted = false,
  ): Promise<IndexedRecord[]> {
    const { client } = this.#parameters;
    this.#rescanFor(past, isHoldUnlisted);
    const block = await client.chain.blockNumber();
    const { entries, isPartial, unread: unreadJoints } = await this.#listAnchors(past);
    const unreadJoint = unreadJoints.filter(({ anchor }) => anchor.blockNumber > past.joint);
    const { all, now } = await this.#due(entries, past, isHoldUnlisted);
    const added = new Map<ContentId, IndexedRecord>();
    const read = new Set<AnchorEntry>();
    await pMap(
      now,
      async (entry) => {
        try {
          const listed = await this.#listedBy(entry, signal);
          for (const record of this.#add(entry, listed)) added.set(record.contentId, record);
          read.add(entry);
        } catch (error) {
          if (error instanceof CatalogError) throw error;
          // Out of reach, or no manifest: it is read again at the next update.
          signal.throwIfAborted();
        }
      },
      { concurrency: PARALLEL },
    );
    const missed = all.filter((entry) => !read.has(entry) && entry.blockNumber > pastOf(entry, past));
    const tried = new Set(now);
    this.#unread = unreadJoint.length + missed.filter((entry) => tried.has(entry)).length;
    this.#isBehind = isPartial || (all.length > now.length && read.size > 0);
    // Reports claim records up to the first anchor that is not indexed.
    const first = [...missed, ...unreadJoint.map(({ anchor }) => anchor)].reduce(
      (least, { blockNumber }) => Math.min(least, blockNumber),
      Number.POSITIVE_INFINITY,
    );
    const through = isPartial ? Math.min(first, this.#olderThrough) : first;
    this.#block = Math.min(block, through - 1);
    await this.#remember(block);
    return [...added.values()];
  }

  /** Drops what is known of states and joint anchors up to a block, whose time was over long ago, and gives room back to the disk. */
  forget(upTo: number, limit: number): void {
    this.rows.forget(upTo, limit);
    const old = "SELECT key FROM anchors WHERE joint = 1 AND block <= ? AND block < ? LIMIT ?";
    this.#db.run(`DELETE FROM anchors WHERE key IN (${old})`, upTo, this.#block - REORG_BLOCKS, limit);
    this.#db.shrink(SHRUNK_PAGES);
  }

  get #olderThrough(): number {
    return Number(readMeta(this.#db, "olderThrough") ?? this.#parameters.client.chain.deployedAtBlock ?? 0);
  }

  /** The anchors that the client remembers, and a page of older ones that are not indexed yet. */
  async #listAnchors({ joint }: PastBlocks): Promise<{
    readonly entries: readonly AnchorEntry[];
    readonly unread: readonly UnreadAnchor[];
    /** Whether there are older anchors that were not listed yet. */
    readonly isPartial: boolean;
  }> {
    const { client } = this.#parameters;
    const { entries, since = 0, unread } = await client.listAnchors();
    const newest = entries.filter(({ blockNumber }) => blockNumber > this.#block - REORG_BLOCKS);
    const from = this.#olderThrough;
    const older = this.#older.filter((entry) => !this.#isIndexed(entry));
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
    this.#older = [...older, ...page.entries.filter((entry) => !this.#isIndexed(entry))];
    // A page with an unread joint anchor is read again at the next update.
    const blocked = page.unread.map(({ anchor }) => anchor.blockNumber).filter((block) => block > joint);
    const next = Math.min(to, ...blocked);
    writeMeta(this.#db, "olderThrough", String(next));
    const known = new Set(this.#older.map(keyOf).map(String));
    const others = newest.filter((entry) => !known.has(String(keyOf(entry))));
    return { entries: [...this.#older, ...others], unread: [...page.unread, ...unread], isPartial: next < since };
  }

  /** The anchors that are not indexed; `now`, as many of them as one update reads. */
  async #due(entries: readonly AnchorEntry[], past: PastBlocks, isHoldUnlisted: boolean) {
    const all: AnchorEntry[] = [];
    const skipped: AnchorEntry[] = [];
    for (const entry of entries) {
      if (this.#isIndexed(entry)) continue;
      const key = String(keyOf(entry));
      if (entry.blockNumber > pastOf(entry, past)) {
        this.#skipped.delete(key);
        all.push(entry);
      } else if (!this.#skipped.has(key)) {
        if (await this.#pinOf(entry.manifest, "Manifest")) all.push(entry);
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
    const retried = skipped.slice(this.#nextSkipped, this.#nextSkipped + PARALLEL);
    this.#nextSkipped = this.#nextSkipped + PARALLEL < skipped.length ? this.#nextSkipped + PARALLEL : 0;
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
   * on hold is in no manifest that was read since the start.
   */
  #rescanFor({ all, joint }: PastBlocks, isHoldUnlisted: boolean): void {
    const [allBefore = -1, jointBefore = -1] = (readMeta(this.#db, "past") ?? "").split(" ").map(Number);
    const isLonger = all < allBefore || joint < jointBefore;
    if (all !== allBefore || joint !== jointBefore) writeMeta(this.#db, "past", `${all} ${joint}`);
    if (!isLonger && (!isHoldUnlisted || this.#isRescanned)) return;
    this.#isRescanned = true;
    writeMeta(this.#db, "olderThrough", String(this.#parameters.client.chain.deployedAtBlock ?? 0));
    this.#block = 0;
  }

  #skip(key: string, entry: AnchorEntry): void {
    this.#skipped.set(key, entry);
    for (const oldest of this.#skipped.keys()) {
      if (this.#skipped.size <= MAX_SKIPPED) return;
      this.#skipped.delete(oldest);
    }
  }

  /** What an anchor lists: its manifests and their records. */
  async #listedBy(entry: AnchorEntry, signal: AbortSignal): Promise<ListedRecord[]> {
    const { client, sizeOf } = this.#parameters;
    const leaves = await client.fetchLeaves({ anchor: entry, timeoutMs: MANIFEST_TIMEOUT_MS, signal });
    const listed = manifestsOf(entry).map((contentId) => ({ contentId, kind: "Manifest" as const }));
    const [author, isJoint, block] = [entry.author.toLowerCase(), entry.joint !== null, entry.blockNumber];
    return pMap(
      [...listed, ...leaves],
      async ({ contentId, kind }) => {
        const pin = this.rows.find(contentId) === undefined ? await this.#pinOf(contentId, kind) : undefined;
        const replicaBytes = pin === REPLICA_PIN ? ((await sizeOf?.(contentId, kind)) ?? 0) : undefined;
        return { contentId, kind, author, isJoint, block, isHeld: pin !== undefined, replicaBytes };
      },
      { concurrency: PARALLEL },
    );
  }

  #add(entry: AnchorEntry, listed: readonly ListedRecord[]): IndexedRecord[] {
    this.rows.addAccounts([entry.author.toLowerCase()]);
    return this.#db.transaction(() => {
      const added = listed.flatMap((record) => this.rows.add(record) ?? []);
      for (const { contentId, kind } of listed) {
        if (kind === "Manifest") continue;
        for (const manifest of manifestsOf(entry)) this.rows.addLeaf(manifest, contentId);
      }
      this.#db.run(
        "INSERT OR IGNORE INTO anchors (key, block, joint) VALUES (?, ?, ?)",
        ...[keyOf(entry), entry.blockNumber, Number(entry.joint !== null)],
      );
      return added;
    });
  }

  #isIndexed(entry: AnchorEntry): boolean {
    return this.#db.get("SELECT 1 FROM anchors WHERE key = ?", keyOf(entry)) !== undefined;
  }

  /** The reason of a pin on it; undefined if it is not pinned. */
  async #pinOf(contentId: ContentId, kind: IndexedKind): Promise<string | undefined> {
    const { pins } = this.#parameters;
    const cid = contentIdToCid(contentId);
    for (const reason of [kind === "Manifest" ? "manifest" : "record", REPLICA_PIN]) {
      if ((await pins.get(`${reason}/${cid}`)) !== undefined) return reason;
    }
    return undefined;
  }

  /** Compares what an index of before a restart holds with what is pinned now. */
  async #readPins(): Promise<void> {
    if (this.#db.get("SELECT 1 FROM records LIMIT 1") === undefined) return;
    this.#db.run("CREATE TEMP TABLE pinned (content_id BLOB PRIMARY KEY) WITHOUT ROWID");
    for await (const { cid, reason, scope } of this.#parameters.pins.list()) {
      if (scope !== "block" || ![REPLICA_PIN, "record", "manifest"].includes(reason)) continue;
      const contentId = Buffer.from(cidToContentId(cid).slice(2), "hex");
      this.#db.run("INSERT OR IGNORE INTO pinned (content_id) VALUES (?)", contentId);
    }
    this.rows.holdExactly("content_id IN (SELECT content_id FROM pinned)");
    this.#db.run("DROP TABLE pinned");
  }

  /** Remembers up to where the index is complete, and by which block another start recognises the chain. */
  async #remember(head: number): Promise<void> {
    const { path = ":memory:" } = this.#parameters;
    if (path === ":memory:" || readMeta(this.#db, "block") === String(this.#block)) return;
    const header = await headerOf(this.#parameters.client, head);
    this.#db.transaction(() => {
      writeMeta(this.#db, "block", String(this.#block));
      if (header !== undefined) writeMeta(this.#db, "seen", `${head} ${header}`);
    });
  }
}

/** Whether an index was built from this chain; an empty one is of every chain. */
async function isOfChain(db: Database, client: RecordIndexParameters["client"]): Promise<boolean> {
  const registry = client.chain.addresses?.KnowledgeRegistry?.toLowerCase() ?? "";
  const identity = `${client.chain.chainId} ${registry}`;
  const known = readMeta(db, "identity");
  if (known === undefined) writeMeta(db, "identity", identity);
  else if (known !== identity) return false;
  const [number, hash] = readMeta(db, "seen")?.split(" ") ?? [];
  return number === undefined || (await headerOf(client, Number(number))) === hash;
}

/** The hash of a block; undefined if there is no such block. */
async function headerOf({ chain }: RecordIndexParameters["client"], number: number): Promise<string | undefined> {
  return (await readHeader(chain, number))?.hash;
}

function manifestsOf({ joint, manifest }: AnchorEntry): ContentId[] {
  return [manifest, ...(joint === null ? [] : [joint.manifest])];
}

function pastOf({ joint }: AnchorEntry, past: PastBlocks): number {
  return joint === null ? past.all : past.joint;
}

function keyOf({ author, root }: AnchorEntry): Uint8Array {
  return Buffer.from(`${author.slice(2)}${root.slice(2)}`, "hex");
}

import pMap from "p-map";
import { type Database, openDatabase, removeDatabase } from "../../../catalog/database/database.js";
import { readMeta, writeMeta } from "../../../catalog/database/meta.js";
import { CatalogError } from "../../../catalog/errors.js";
import type { AuthorQuota } from "../../../catalog/retention/usage.js";
import type { AnchorEntry, Client } from "../../../client/index.js";
import { readHeader } from "../../../ports/chain/index.js";
import type { Pins } from "../../../ports/content/index.js";
import { type ContentId, cidToContentId, contentIdToCid } from "../../../records/index.js";
import { type Clock, systemClock } from "../../../utils/clock.js";
import { AnchorBacklog, type PastBlocks, pastOf, REORG_BLOCKS } from "./anchorBacklog.js";
import { type IndexedKind, type IndexedRecord, type ListedRecord, REPLICA_PIN } from "./indexedRecord.js";
import { RecordRows } from "./recordRows.js";
import { INDEX_FILE } from "./tables.js";

const MANIFEST_TIMEOUT_MS = 5_000;
/** Manifests that are fetched at once. */
const PARALLEL = 16;
/** Pages of 4 KB that one call gives back to the disk. */
const SHRUNK_PAGES = 1_000;
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

/**
 * Every record and manifest of the anchors whose manifests could be read, in a file: memory does not grow with their number.
 * The file is a cache, built anew if it is damaged or of another chain.
 */
export class RecordIndex {
  readonly rows: RecordRows;
  readonly #db: Database;
  readonly #parameters: RecordIndexParameters;
  readonly #backlog: AnchorBacklog;
  #unread = 0;
  #isBehind = false;
  #block: number;

  private constructor(db: Database, parameters: RecordIndexParameters) {
    this.#db = db;
    this.#parameters = parameters;
    const unlimited = { bytes: Number.POSITIVE_INFINITY, records: Number.POSITIVE_INFINITY };
    this.rows = new RecordRows(db, parameters.quota ?? unlimited);
    this.#block = Number(readMeta(db, "block") ?? 0);
    this.#backlog = new AnchorBacklog({
      ...{ db, client: parameters.client },
      holdsManifest: async (contentId) => (await this.#pinOf(contentId, "Manifest")) !== undefined,
    });
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
    if (this.#backlog.rescanFor(past, isHoldUnlisted)) this.#block = 0;
    const block = await client.chain.blockNumber();
    const { entries, isPartial, unread: unreadJoints } = await this.#backlog.list(past, this.#block);
    const unreadJoint = unreadJoints.filter(({ anchor }) => anchor.blockNumber > past.joint);
    const { all, now } = await this.#backlog.due(entries, past, isHoldUnlisted);
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
    const through = isPartial ? Math.min(first, this.#backlog.olderThrough) : first;
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
      this.#backlog.setIndexed(entry);
      return added;
    });
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

import pMap from "p-map";
import type { AnchorEntry, Client, UnreadAnchor } from "../../client/index.js";
import type { Pins } from "../../ports/content/index.js";
import { type Address, type ContentId, contentIdToCid, type RecordKind } from "../../records/index.js";

const MANIFEST_TIMEOUT_MS = 5_000;
/** The reason of the pins on records that other nodes wrote. */
export const REPLICA_PIN = "replica";
/** Manifests that are fetched at once. */
const PARALLEL = 16;
/** Blocks whose anchors are read at once if the client does not remember them. */
const PAGE_BLOCKS = 10_000;

/** A record that is anchored, and its state on this node. */
export interface IndexedRecord {
  readonly contentId: ContentId;
  /** Manifests are replicated as records are: without them nodes could not tell which records there are. */
  readonly kind: RecordKind | "Manifest";
  /** The accounts that have anchored it, in lower case. */
  readonly authors: Set<string>;
  /** The block of the first anchor of it. */
  block: number;
  /** Of a manifest: the records that it lists. */
  readonly leaves: Set<IndexedRecord>;
  isHeld: boolean;
  /** Past its voted retention and not on hold: no node keeps it. */
  isExpired: boolean;
  /** Past its voted retention, but kept if it is on hold. */
  isPastRetention: boolean;
  /** The members that must hold a replica of it, besides its authors. */
  replicaNodes: readonly Address[];
  /** Not fetched again before this moment of the monotonic clock, in milliseconds. */
  retryAt: number;
  /** In a row. */
  failures: number;
}

export interface RecordIndexDependencies {
  readonly client: Pick<Client, "chain" | "fetchLeaves" | "listAnchors">;
  readonly pins: Pick<Pins, "get">;
}

/** Every record and manifest of the anchors whose manifests could be read. */
export class RecordIndex {
  readonly #dependencies: RecordIndexDependencies;
  readonly #records = new Map<ContentId, IndexedRecord>();
  readonly #indexed = new Set<string>();
  /** Anchors past all retention whose manifests are not pinned here. */
  readonly #skipped = new Set<string>();
  /** Anchors that the client has forgotten and that are not indexed yet. */
  #older: readonly AnchorEntry[] = [];
  /** The block before which such anchors were listed. */
  #olderThrough: number | undefined;
  #nextSkipped = 0;
  #unread = 0;
  #block = 0;

  constructor(dependencies: RecordIndexDependencies) {
    this.#dependencies = dependencies;
  }

  records(): Iterable<IndexedRecord> {
    return this.#records.values();
  }

  find(contentId: ContentId): IndexedRecord | undefined {
    return this.#records.get(contentId);
  }

  /** Anchors whose manifests could not be read at the last update. */
  get unread(): number {
    return this.#unread;
  }

  /** The newest block up to which every anchor is indexed. */
  get block(): number {
    return this.#block;
  }

  /**
   * Reads the manifests of new anchors, and returns what they add; one that is out of reach is read at the next update. Of
   * anchors past all retention only those are read whose manifests are pinned here.
   *
   * @param lastAllPastBlock The newest block all of whose records are past their retention.
   * @param isHoldUnlisted A record on hold is in no manifest read so far: a few skipped manifests are read each time.
   */
  async update(signal: AbortSignal, lastAllPastBlock = -1, isHoldUnlisted = false): Promise<IndexedRecord[]> {
    const { client } = this.#dependencies;
    const block = await client.chain.blockNumber();
    const { entries, unread: unreadJoints } = await this.#listAnchors();
    const unreadJoint = unreadJoints.filter(({ anchor }) => anchor.blockNumber > lastAllPastBlock);
    const due = await this.#due(entries, lastAllPastBlock, isHoldUnlisted);
    const added: IndexedRecord[] = [];
    let unread = unreadJoint.reduce<number | undefined>(
      (least, { anchor }) => Math.min(least ?? anchor.blockNumber, anchor.blockNumber),
      undefined,
    );
    await pMap(
      due,
      async (entry) => {
        try {
          const leaves = await client.fetchLeaves({ anchor: entry, timeoutMs: MANIFEST_TIMEOUT_MS, signal });
          const manifests = [entry.manifest, ...(entry.joint === null ? [] : [entry.joint.manifest])];
          const listed = manifests.map((contentId) => ({ contentId, kind: "Manifest" }) as const);
          for (const { contentId, kind } of [...listed, ...leaves]) {
            const known = await this.#add(contentId, kind, entry);
            if (known !== undefined) added.push(known);
            const leaf = this.#records.get(contentId);
            if (leaf === undefined || kind === "Manifest") continue;
            for (const manifest of manifests) this.#records.get(manifest)?.leaves.add(leaf);
          }
          this.#indexed.add(keyOf(entry));
        } catch {
          if (entry.blockNumber > lastAllPastBlock) unread = Math.min(unread ?? entry.blockNumber, entry.blockNumber);
        }
      },
      { concurrency: PARALLEL },
    );
    const missed = due.filter((entry) => !this.#indexed.has(keyOf(entry)) && entry.blockNumber > lastAllPastBlock);
    this.#unread = unreadJoint.length + missed.length;
    // Reports claim records up to the first manifest that could not be read.
    this.#block = unread === undefined ? block : unread - 1;
    return added;
  }

  /** The anchors that the client remembers, and older ones that are not indexed yet. */
  async #listAnchors(): Promise<{
    readonly entries: readonly AnchorEntry[];
    readonly unread: readonly UnreadAnchor[];
  }> {
    const { client } = this.#dependencies;
    const { entries, since, unread } = await client.listAnchors();
    const older = new Map<string, AnchorEntry>();
    const add = (entry: AnchorEntry) => {
      if (!this.#indexed.has(keyOf(entry))) older.set(keyOf(entry), entry);
    };
    this.#older.forEach(add);
    const missing: UnreadAnchor[] = [];
    for (let from = this.#olderThrough ?? client.chain.deployedAtBlock; from < since; from += PAGE_BLOCKS) {
      const page = await client.listAnchors({ blocks: [from, Math.min(from + PAGE_BLOCKS, since) - 1] });
      page.entries.forEach(add);
      missing.push(...page.unread);
    }
    // A page with an unread joint anchor is read again at the next update.
    const [first] = missing.map(({ anchor }) => anchor.blockNumber).sort((a, b) => a - b);
    this.#olderThrough = Math.min(first ?? since, since);
    this.#older = [...older.values()];
    return { entries: [...this.#older, ...entries], unread: [...missing, ...unread] };
  }

  /** The anchors whose manifests are read now. */
  async #due(
    entries: readonly AnchorEntry[],
    lastAllPastBlock: number,
    isHoldUnlisted: boolean,
  ): Promise<AnchorEntry[]> {
    const due: AnchorEntry[] = [];
    const skipped: AnchorEntry[] = [];
    for (const entry of entries) {
      if (this.#indexed.has(keyOf(entry))) continue;
      if (entry.blockNumber > lastAllPastBlock) due.push(entry);
      else if (this.#skipped.has(keyOf(entry))) skipped.push(entry);
      else if (await this.#isPinned(entry.manifest, "Manifest")) due.push(entry);
      else this.#skipped.add(keyOf(entry));
    }
    if (!isHoldUnlisted) return due;
    // Round robin: a manifest that no node has must not block the others.
    const retried = skipped.slice(this.#nextSkipped, this.#nextSkipped + PARALLEL);
    this.#nextSkipped = this.#nextSkipped + PARALLEL < skipped.length ? this.#nextSkipped + PARALLEL : 0;
    return [...due, ...retried];
  }

  async #isPinned(contentId: ContentId, kind: IndexedRecord["kind"]): Promise<boolean> {
    const { pins } = this.#dependencies;
    const cid = contentIdToCid(contentId);
    for (const reason of [REPLICA_PIN, kind === "Manifest" ? "manifest" : "record"]) {
      if ((await pins.get(`${reason}/${cid}`)) !== undefined) return true;
    }
    return false;
  }

  /** Adds a record, or another author of one; undefined if both are known. */
  async #add(
    contentId: ContentId,
    kind: IndexedRecord["kind"],
    entry: AnchorEntry,
  ): Promise<IndexedRecord | undefined> {
    const author = entry.author.toLowerCase();
    const isHeld = !this.#records.has(contentId) && (await this.#isPinned(contentId, kind));
    const known = this.#records.get(contentId);
    if (known !== undefined) {
      // Manifests are read in any order.
      known.block = Math.min(known.block, entry.blockNumber);
      return known.authors.has(author) ? undefined : withAuthor(known, author);
    }
    const record: IndexedRecord = {
      contentId,
      kind,
      authors: new Set([author]),
      block: entry.blockNumber,
      leaves: new Set(),
      isHeld,
      isExpired: false,
      isPastRetention: false,
      replicaNodes: [],
      retryAt: 0,
      failures: 0,
    };
    this.#records.set(contentId, record);
    return record;
  }
}

function withAuthor(record: IndexedRecord, author: string): IndexedRecord {
  record.authors.add(author);
  return record;
}

function keyOf({ author, root }: AnchorEntry): string {
  return `${author}/${root}`;
}

import pMap from "p-map";
import type { AnchorEntry, Client, UnreadAnchor } from "../../client/index.js";
import type { Pins } from "../../ports/content/index.js";
import { type Address, type ContentId, contentIdToCid, type RecordKind } from "../../records/index.js";

const MANIFEST_TIMEOUT_MS = 5_000;
/** Under this a record is kept that others wrote. */
export const REPLICA = "replica";
/** Lists that are fetched at once. */
const PARALLEL = 16;
/** Blocks that are asked for at once where the client does not remember their anchors. */
const PAGE_BLOCKS = 10_000;

/** A record that is anchored, and how it stands here. */
export interface IndexedRecord {
  readonly contentId: ContentId;
  /** Anchors' lists are kept as records are: without them nobody could tell which records there are. */
  readonly kind: RecordKind | "Manifest";
  /** All who have anchored it, in lower case. */
  readonly authors: Set<string>;
  /** The block of the first anchor of it. */
  block: number;
  /** Of a list: what is in it. */
  readonly leaves: Set<IndexedRecord>;
  held: boolean;
  /** Let go of by vote: nobody's to keep any more. */
  expired: boolean;
  /** Past its time, and kept all the same where it is exempt. */
  past: boolean;
  keepers: readonly Address[];
  /** Milliseconds; it could not be fetched, and is not asked for again before. */
  retryAt: number;
  /** In a row. */
  failures: number;
}

/** Every record and every list of records that an anchor holds, as far as the lists could be read. */
export class RecordIndex {
  readonly #parameters: { readonly client: Client; readonly roots: Pins };
  readonly #records = new Map<ContentId, IndexedRecord>();
  readonly #read = new Set<string>();
  /** Anchors past all retention whose lists are not kept here. */
  readonly #left = new Set<string>();
  /** Anchors that the client does not remember any more, as far as not all of them is known. */
  #older: readonly AnchorEntry[] = [];
  /** Up to this block, and without it, they were looked for. */
  #olderThrough: number | undefined;
  #turn = 0;
  #unread = 0;
  #block = 0;

  constructor(parameters: { readonly client: Client; readonly roots: Pins }) {
    this.#parameters = parameters;
  }

  records(): Iterable<IndexedRecord> {
    return this.#records.values();
  }

  find(contentId: ContentId): IndexedRecord | undefined {
    return this.#records.get(contentId);
  }

  /** Anchors whose lists could not be read the last time. */
  get unread(): number {
    return this.#unread;
  }

  /** The newest block all of whose anchors are in the book. */
  get block(): number {
    return this.#block;
  }

  /**
   * Reads the lists of anchors that are new, and gives what is; one that is out of reach is read the next time. Of anchors up
   * to `allPast`, whose lists nobody has to keep any more, it reads those that are kept here.
   *
   * @param isSought Something is looked for that is in no list that was read: then of those anchors a few are asked for.
   */
  async read(signal: AbortSignal, allPast = -1, isSought = false): Promise<IndexedRecord[]> {
    const { client } = this.#parameters;
    const block = await client.chain.blockNumber();
    const { entries, unread: unopened } = await this.#anchors();
    const unlisted = unopened.filter(({ anchor }) => anchor.blockNumber > allPast);
    const fresh = await this.#due(entries, allPast, isSought);
    const added: IndexedRecord[] = [];
    let unread = unlisted.reduce<number | undefined>(
      (least, { anchor }) => Math.min(least ?? anchor.blockNumber, anchor.blockNumber),
      undefined,
    );
    await pMap(
      fresh,
      async (entry) => {
        try {
          const leaves = await client.fetchLeaves({ anchor: entry, timeoutMs: MANIFEST_TIMEOUT_MS, signal });
          const lists = [entry.manifest, ...(entry.joint === null ? [] : [entry.joint.manifest])];
          const listed = lists.map((contentId) => ({ contentId, kind: "Manifest" }) as const);
          for (const { contentId, kind } of [...listed, ...leaves]) {
            const known = await this.#note(contentId, kind, entry);
            if (known !== undefined) added.push(known);
            const leaf = this.#records.get(contentId);
            if (leaf === undefined || kind === "Manifest") continue;
            for (const list of lists) this.#records.get(list)?.leaves.add(leaf);
          }
          this.#read.add(keyOf(entry));
        } catch {
          if (entry.blockNumber > allPast) unread = Math.min(unread ?? entry.blockNumber, entry.blockNumber);
        }
      },
      { concurrency: PARALLEL },
    );
    const missed = fresh.filter((entry) => !this.#read.has(keyOf(entry)) && entry.blockNumber > allPast);
    this.#unread = unlisted.length + missed.length;
    // What is said of the share holds up to the first list that could not be read.
    this.#block = unread === undefined ? block : unread - 1;
    return added;
  }

  /** Those that the client remembers, and older ones of which not all is known yet. */
  async #anchors(): Promise<{ readonly entries: readonly AnchorEntry[]; readonly unread: readonly UnreadAnchor[] }> {
    const { client } = this.#parameters;
    const { entries, since, unread } = await client.listAnchors();
    const older = new Map<string, AnchorEntry>();
    const add = (entry: AnchorEntry) => {
      if (!this.#read.has(keyOf(entry))) older.set(keyOf(entry), entry);
    };
    this.#older.forEach(add);
    const missing: UnreadAnchor[] = [];
    for (let from = this.#olderThrough ?? client.chain.deployedAtBlock; from < since; from += PAGE_BLOCKS) {
      const page = await client.listAnchors({ blocks: [from, Math.min(from + PAGE_BLOCKS, since) - 1] });
      page.entries.forEach(add);
      missing.push(...page.unread);
    }
    // A page with a list that did not come is read again the next time.
    const [first] = missing.map(({ anchor }) => anchor.blockNumber).sort((a, b) => a - b);
    this.#olderThrough = Math.min(first ?? since, since);
    this.#older = [...older.values()];
    return { entries: [...this.#older, ...entries], unread: [...missing, ...unread] };
  }

  /** The anchors whose lists are to be read now. */
  async #due(entries: readonly AnchorEntry[], allPast: number, isSought: boolean): Promise<AnchorEntry[]> {
    const due: AnchorEntry[] = [];
    const left: AnchorEntry[] = [];
    for (const entry of entries) {
      if (this.#read.has(keyOf(entry))) continue;
      if (entry.blockNumber > allPast) due.push(entry);
      else if (this.#left.has(keyOf(entry))) left.push(entry);
      else if (await this.#isKept(entry.manifest, "Manifest")) due.push(entry);
      else this.#left.add(keyOf(entry));
    }
    if (!isSought) return due;
    // Each in its turn: one that nobody has must not keep the others waiting.
    const asked = left.slice(this.#turn, this.#turn + PARALLEL);
    this.#turn = this.#turn + PARALLEL < left.length ? this.#turn + PARALLEL : 0;
    return [...due, ...asked];
  }

  async #isKept(contentId: ContentId, kind: IndexedRecord["kind"]): Promise<boolean> {
    const { roots } = this.#parameters;
    const cid = contentIdToCid(contentId);
    for (const keep of [REPLICA, kind === "Manifest" ? "manifest" : "record"]) {
      if ((await roots.get(`${keep}/${cid}`)) !== undefined) return true;
    }
    return false;
  }

  /** Remembers a record, or another author of one; undefined where both are known. */
  async #note(
    contentId: ContentId,
    kind: IndexedRecord["kind"],
    entry: AnchorEntry,
  ): Promise<IndexedRecord | undefined> {
    const author = entry.author.toLowerCase();
    const held = !this.#records.has(contentId) && (await this.#isKept(contentId, kind));
    const known = this.#records.get(contentId);
    if (known !== undefined) {
      // Lists come in any order.
      known.block = Math.min(known.block, entry.blockNumber);
      return known.authors.has(author) ? undefined : withAuthor(known, author);
    }
    const record: IndexedRecord = {
      contentId,
      kind,
      authors: new Set([author]),
      block: entry.blockNumber,
      leaves: new Set(),
      held,
      expired: false,
      past: false,
      keepers: [],
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

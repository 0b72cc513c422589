import type { AnchorEntry, Client } from "../../client/index.js";
import type { Roots } from "../../ports/content/index.js";
import { type Address, type ContentId, contentIdToCid, type RecordKind } from "../../records/index.js";
import { inParallel } from "../../utils/inParallel.js";

const MANIFEST_TIMEOUT_MS = 5_000;
/** Under this a record is kept that others wrote. */
export const REPLICA = "replica";
/** Lists that are fetched at once. */
const PARALLEL = 16;

/** A record that is anchored, and how it stands here. */
export interface KnownRecord {
  readonly contentId: ContentId;
  /** Anchors' lists are kept as records are: without them nobody could tell which records there are. */
  readonly kind: RecordKind | "Manifest";
  /** All who have anchored it, in lower case. */
  readonly authors: Set<string>;
  /** The block of the first anchor of it. */
  readonly block: number;
  held: boolean;
  keepers: readonly Address[];
  /** Milliseconds; it could not be fetched, and is not asked for again before. */
  retryAt: number;
  /** In a row. */
  failures: number;
}

/** Every record and every list of records that an anchor holds, as far as the lists could be read. */
export class Book {
  readonly #parameters: { readonly client: Client; readonly roots: Roots };
  readonly #records = new Map<ContentId, KnownRecord>();
  readonly #read = new Set<string>();
  #unread = 0;
  #block = 0;

  constructor(parameters: { readonly client: Client; readonly roots: Roots }) {
    this.#parameters = parameters;
  }

  records(): Iterable<KnownRecord> {
    return this.#records.values();
  }

  /** Anchors whose lists could not be read the last time. */
  get unread(): number {
    return this.#unread;
  }

  /** The newest block all of whose anchors are in the book. */
  get block(): number {
    return this.#block;
  }

  /** Reads the lists of anchors that are new, and gives what is; one that is out of reach is read the next time. */
  async read(signal: AbortSignal): Promise<KnownRecord[]> {
    const { client } = this.#parameters;
    const block = await client.chain.blockNumber();
    const { entries, unread: unlisted } = await client.anchors.anchors();
    const fresh = entries.filter((entry) => !this.#read.has(keyOf(entry)));
    const added: KnownRecord[] = [];
    let unread = unlisted.reduce<number | undefined>(
      (least, { anchor }) => Math.min(least ?? anchor.blockNumber, anchor.blockNumber),
      undefined,
    );
    await inParallel(fresh, PARALLEL, async (entry) => {
      try {
        const leaves = await client.anchors.leaves(entry, { timeoutMs: MANIFEST_TIMEOUT_MS, signal });
        const lists = [entry.manifest, ...(entry.joint === null ? [] : [entry.joint.manifest])];
        const listed = lists.map((contentId) => ({ contentId, kind: "Manifest" }) as const);
        for (const { contentId, kind } of [...listed, ...leaves]) {
          const known = await this.#note(contentId, kind, entry);
          if (known !== undefined) added.push(known);
        }
        this.#read.add(keyOf(entry));
      } catch {
        unread = Math.min(unread ?? entry.blockNumber, entry.blockNumber);
      }
    });
    this.#unread = unlisted.length + fresh.filter((entry) => !this.#read.has(keyOf(entry))).length;
    // What is said of the share holds up to the first list that could not be read.
    this.#block = unread === undefined ? block : unread - 1;
    return added;
  }

  /** Remembers a record, or another author of one; undefined where both are known. */
  async #note(contentId: ContentId, kind: KnownRecord["kind"], entry: AnchorEntry): Promise<KnownRecord | undefined> {
    const author = entry.author.toLowerCase();
    const cid = contentIdToCid(contentId);
    const { roots } = this.#parameters;
    const root = this.#records.has(contentId)
      ? undefined
      : ((await roots.get(`${REPLICA}/${cid}`)) ??
        (await roots.get(`${kind === "Manifest" ? "manifest" : "record"}/${cid}`)));
    const known = this.#records.get(contentId);
    if (known !== undefined) return known.authors.has(author) ? undefined : withAuthor(known, author);
    const record: KnownRecord = {
      contentId,
      kind,
      authors: new Set([author]),
      block: entry.blockNumber,
      held: root !== undefined,
      keepers: [],
      retryAt: 0,
      failures: 0,
    };
    this.#records.set(contentId, record);
    return record;
  }
}

function withAuthor(record: KnownRecord, author: string): KnownRecord {
  record.authors.add(author);
  return record;
}

function keyOf({ author, root }: AnchorEntry): string {
  return `${author}/${root}`;
}

import { type BatchContext, hashJoint, type JointMessage } from "../../ports/chain/index.js";
import type { Hex, JointManifest, SignedBatch } from "../../records/index.js";
import type { Clock } from "../../utils/clock.js";
import { createLruCache } from "../../utils/lruCache.js";
import type { JointSignature } from "./message.js";

/** The most drafts that are known at once. Nodes draft in turns, so more drafts than this are an attack. */
const MAX_DRAFTS = 32;
/** The most drafts of one sender that are known at once. */
const MAX_DRAFTS_OF_ONE = 4;
/** Anchored batches to remember: peers that do not know of the anchor yet still send them. */
const MAX_ANCHORED = 16_384;

/** A batch that waits for an anchor, and since when it is known, in monotonic milliseconds. */
export interface WaitingBatch {
  readonly batch: SignedBatch;
  readonly since: number;
}

/** A joint anchor that a node proposes. */
export interface Draft {
  /** The registry's `jointDigest`. A draft of the same root with another list or deadline is another draft. */
  readonly id: Hex;
  readonly message: JointMessage;
  /** The libp2p peer that sent it; undefined if it is this node's. */
  readonly from: string | undefined;
  /** In monotonic milliseconds. */
  readonly since: number;
  /** Undefined until it was fetched and found to be what the draft says. */
  manifest: JointManifest | undefined;
  readonly signatures: Map<number, JointSignature>;
  /** The indices of the authors that are on chain already, as far as this node knows. */
  readonly anchored: Set<number>;
}

/** The batches and drafts that are known, in memory: their senders send them again. */
export class AnchoringPool {
  readonly #batches = new Map<string, WaitingBatch>();
  readonly #drafts = new Map<Hex, Draft>();
  readonly #anchored = createLruCache<string, true>(MAX_ANCHORED);
  readonly #clock: Pick<Clock, "monotonic">;
  readonly #context: BatchContext;

  constructor(clock: Pick<Clock, "monotonic">, context: BatchContext) {
    this.#clock = clock;
    this.#context = context;
  }

  get batches(): readonly WaitingBatch[] {
    return [...this.#batches.values()];
  }

  get drafts(): readonly Draft[] {
    return [...this.#drafts.values()];
  }

  draft(id: Hex): Draft | undefined {
    return this.#drafts.get(id);
  }

  /** The draft that says exactly this. */
  draftOf(message: JointMessage): Draft | undefined {
    return this.#drafts.get(hashJoint(this.#context, message));
  }

  batchOf(author: string): WaitingBatch | undefined {
    return this.#batches.get(author.toLowerCase());
  }

  /** Keeps the newest batch of each author. The caller has verified that a member signed it. */
  addBatch(batch: SignedBatch, since = this.#clock.monotonic()): void {
    this.#batches.set(batch.author.toLowerCase(), { batch, since });
  }

  /** Notes that a batch is anchored: it no longer waits, and does not wait again when a peer sends it. */
  noteAnchored({ author, root }: Pick<SignedBatch, "author" | "root">): void {
    const key = author.toLowerCase();
    if (this.#batches.get(key)?.batch.root === root) this.#batches.delete(key);
    this.#anchored.set(`${key} ${root}`, true);
  }

  isAnchored({ author, root }: Pick<SignedBatch, "author" | "root">): boolean {
    return this.#anchored.has(`${author.toLowerCase()} ${root}`);
  }

  /** Whether another draft of this sender is within the limits. */
  admitsDraftOf(from: string): boolean {
    const its = this.drafts.filter((draft) => draft.from === from).length;
    return this.#drafts.size < MAX_DRAFTS && its < MAX_DRAFTS_OF_ONE;
  }

  addDraft(message: JointMessage, from: string | undefined): Draft {
    const draft: Draft = {
      ...{ id: hashJoint(this.#context, message), message, from, since: this.#clock.monotonic() },
      ...{ manifest: undefined, signatures: new Map(), anchored: new Set() },
    };
    this.#drafts.set(draft.id, draft);
    return draft;
  }

  dropDraft(id: Hex): void {
    this.#drafts.delete(id);
  }

  /** Forgets the batches of authors that are no members any more. */
  keepAuthors(authors: ReadonlySet<string>): void {
    for (const author of this.#batches.keys()) if (!authors.has(author)) this.#batches.delete(author);
  }
}

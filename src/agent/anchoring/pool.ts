import type { JointMessage } from "../../ports/chain/index.js";
import type { Hex, JointManifest, SignedBatch } from "../../records/index.js";
import type { JointSignature } from "./message.js";

/** Drafts that are known at once. Each node drafts when it is its turn; more are somebody's game. */
const MAX_DRAFTS = 32;
/** Of one sender. */
const MAX_DRAFTS_OF_ONE = 4;
/** Batches that were anchored and may still be sent by whoever has them. */
const MAX_ANCHORED = 16_384;

/** A batch that waits for an anchor, and the moment since which it is known, in milliseconds. */
export interface WaitingBatch {
  readonly batch: SignedBatch;
  readonly since: number;
}

/** A joint anchor that somebody proposes. */
export interface Draft {
  readonly message: JointMessage;
  /** The libp2p peer that sent it; undefined where it is this node's. */
  readonly from: string | undefined;
  readonly since: number;
  /** Once it was fetched and found to be what the draft says. */
  manifest: JointManifest | undefined;
  readonly signatures: Map<number, JointSignature>;
}

/** What is known of batches that are to be anchored together, in memory: whoever needs it sends it again. */
export class AnchoringPool {
  readonly #batches = new Map<string, WaitingBatch>();
  readonly #drafts = new Map<Hex, Draft>();
  readonly #anchored = new Set<string>();

  get batches(): readonly WaitingBatch[] {
    return [...this.#batches.values()];
  }

  get drafts(): readonly Draft[] {
    return [...this.#drafts.values()];
  }

  draft(root: Hex): Draft | undefined {
    return this.#drafts.get(root);
  }

  batchOf(author: string): WaitingBatch | undefined {
    return this.#batches.get(author.toLowerCase());
  }

  /** Keeps the newest batch of each author. Its author has signed it, and is a member. */
  addBatch(batch: SignedBatch, now: number): void {
    this.#batches.set(batch.author.toLowerCase(), { batch, since: now });
  }

  /** It waits no longer, whoever sends it again. */
  noteAnchored({ author, root }: Pick<SignedBatch, "author" | "root">): void {
    const key = author.toLowerCase();
    if (this.#batches.get(key)?.batch.root === root) this.#batches.delete(key);
    this.#anchored.add(`${key} ${root}`);
    for (const oldest of this.#anchored) {
      if (this.#anchored.size <= MAX_ANCHORED) break;
      this.#anchored.delete(oldest);
    }
  }

  isAnchored({ author, root }: Pick<SignedBatch, "author" | "root">): boolean {
    return this.#anchored.has(`${author.toLowerCase()} ${root}`);
  }

  /** Whether there is room for another draft of this sender. */
  takesDraftOf(from: string): boolean {
    const its = this.drafts.filter((draft) => draft.from === from).length;
    return this.#drafts.size < MAX_DRAFTS && its < MAX_DRAFTS_OF_ONE;
  }

  addDraft(message: JointMessage, from: string | undefined, now: number): Draft {
    const draft = { message, from, since: now, manifest: undefined, signatures: new Map() };
    this.#drafts.set(message.root, draft);
    return draft;
  }

  dropDraft(root: Hex): void {
    this.#drafts.delete(root);
  }

  /** Forgets the batches of whoever is no member any more. */
  keepAuthors(authors: ReadonlySet<string>): void {
    for (const author of this.#batches.keys()) if (!authors.has(author)) this.#batches.delete(author);
  }
}

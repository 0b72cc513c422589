import type { Address, BatchLeaf, ContentId, Hex, RecordKind, RecordValue } from "../../records/index.js";
import { RecordKinds } from "../../records/index.js";
import { addressOfBlob, blobOf, hexOfBlob } from "../database/blobs.js";
import type { Database } from "../database/database.js";
import { PLACES } from "../database/schema.js";
import { type Facets, facetsOf } from "../queries/facets.js";
import { refreshIncident, resolveByEvidence } from "../queries/incidents.js";
import { tagsOf } from "../queries/words.js";
import { lastForgottenBlock } from "../retention/forget.js";
import { addUsage } from "../retention/usage.js";
import { FetchStatus, RecordStatus } from "../status.js";

/** An anchor whose manifest was not fetched yet. */
export interface AwaitedAnchor {
  readonly slot: number;
  readonly author: Address;
  readonly root: Hex;
  readonly count: number;
  readonly manifest: ContentId;
  readonly attempts: number;
}

/** Fetched bytes: the record that they encode, or the reason why they are no record. */
export type CheckedContent =
  | { readonly kind: RecordKind; readonly value: RecordValue }
  | { readonly kind: undefined; readonly reason: string };

/** A record that changed, and how. */
export interface Touched {
  readonly type: "listed" | "verified" | "invalid";
  readonly position: number;
}

/**
 * Writes fetched manifests and records. One object serves one transaction; `finish` brings the incidents and what each author
 * uses up to date before the transaction ends.
 */
export class ContentWriter {
  readonly #db: Database;
  readonly #incidents = new Map<string, Uint8Array>();
  readonly #usage = new Map<string, { readonly author: Uint8Array; records: number; bytes: number }>();
  readonly touched: Touched[] = [];

  constructor(db: Database) {
    this.#db = db;
  }

  /**
   * Writes the records of an anchor as listed, unless a reorganisation has removed the anchor meanwhile; without states of a time
   * whose states are forgotten.
   */
  listRecords(anchor: AwaitedAnchor, leaves: readonly BatchLeaf[]): void {
    if (!this.#setStatus(anchor, FetchStatus.valid, null)) return;
    const insertContent = this.#db.prepare(
      "INSERT INTO contents (content_id, status, attempts, due) VALUES (?, 0, 0, 0) ON CONFLICT (content_id) DO NOTHING",
    );
    const author = blobOf(anchor.author);
    const isForgotten = this.#isForgotten(anchor);
    for (const [place, { kind, contentId }] of leaves.entries()) {
      if (isForgotten && kind === "State") continue;
      const id = blobOf(contentId);
      insertContent.run(id);
      const content = this.#db.get<ContentRow>(
        "SELECT id, status, kind, value, attempts FROM contents WHERE content_id = ?",
        id,
      );
      if (content === undefined) continue;
      const position = anchor.slot * PLACES + place;
      const status = content.attempts > 0 ? RecordStatus.missing : RecordStatus.listed;
      this.#db.run(
        "INSERT INTO records (position, content, kind, author, status) VALUES (?, ?, ?, ?, ?)",
        ...[position, content.id, RecordKinds.indexOf(kind), author, status],
      );
      this.#use(author, 1, content.status === FetchStatus.valid ? Buffer.byteLength(content.value ?? "") : 0);
      this.touched.push({ type: "listed", position });
      if (content.status !== FetchStatus.awaited)
        this.#writeStatus(content, id, { position, kind: RecordKinds.indexOf(kind), author });
    }
  }

  /** Marks an anchor invalid for good, because its manifest does not match it. */
  refuse(anchor: AwaitedAnchor, reason: string): void {
    this.#setStatus(anchor, FetchStatus.invalid, reason);
  }

  /** Writes a record's content, and the record's status under each anchor that lists it. */
  writeContent(contentId: ContentId, checked: CheckedContent): void {
    const id = blobOf(contentId);
    const valid = checked.kind !== undefined;
    const text = valid ? JSON.stringify(checked.value) : null;
    const row = this.#db.get<ContentRow>(
      `UPDATE contents SET status = ?, kind = ?, value = ?, reason = ? WHERE content_id = ? AND status = 0
       RETURNING id, status, kind, value, attempts`,
      valid ? FetchStatus.valid : FetchStatus.invalid,
      valid ? RecordKinds.indexOf(checked.kind) : null,
      text,
      valid ? null : checked.reason,
      id,
    );
    if (row === undefined) return;
    if (valid && checked.kind === "Model") {
      for (const parent of (checked.value as RecordValue<"Model">).parents) {
        this.#db.run("INSERT OR IGNORE INTO parents (child, parent) VALUES (?, ?)", id, blobOf(parent));
      }
    }
    const places = this.#db.all<Place>("SELECT position, kind, author FROM records WHERE content = ?", row.id);
    for (const place of places) {
      this.#use(place.author, 0, Buffer.byteLength(text ?? ""));
      this.#writeStatus(row, id, place);
    }
  }

  finish(): void {
    for (const fingerprint of this.#incidents.values()) refreshIncident(this.#db, fingerprint);
    this.#incidents.clear();
    for (const { author, records, bytes } of this.#usage.values()) addUsage(this.#db, author, records, bytes);
    this.#usage.clear();
  }

  #use(author: Uint8Array, records: number, bytes: number): void {
    const key = hexOfBlob(author);
    const used = this.#usage.get(key) ?? { author, records: 0, bytes: 0 };
    used.records += records;
    used.bytes += bytes;
    this.#usage.set(key, used);
  }

  #isForgotten({ slot }: AwaitedAnchor): boolean {
    const last = lastForgottenBlock(this.#db);
    return (
      last >= 0 &&
      (this.#db.get<{ block: number }>("SELECT block FROM anchors WHERE slot = ?", slot)?.block ?? 0) <= last
    );
  }

  #setStatus({ slot, author, root }: AwaitedAnchor, status: number, reason: string | null): boolean {
    // A reorganisation may give the slot to another anchor: only the one with this author and root is changed.
    const sql = "UPDATE anchors SET status = ?, reason = ? WHERE slot = ? AND status = 0 AND author = ? AND root = ?";
    return this.#db.run(sql, status, reason, slot, blobOf(author), blobOf(root)) > 0;
  }

  /** Writes the status of one record whose bytes were fetched. */
  #writeStatus(content: ContentRow, contentId: Uint8Array, place: Place): void {
    const kind = content.kind === null ? undefined : RecordKinds[content.kind];
    const value = content.value === null ? undefined : (JSON.parse(content.value) as RecordValue);
    const reason =
      kind === undefined || value === undefined
        ? "its bytes are no record"
        : content.kind !== place.kind
          ? `it is listed as ${RecordKinds[place.kind]} and is ${kind}`
          : undefined;
    const facets =
      reason === undefined && kind !== undefined && value !== undefined ? facetsOf(kind, value) : undefined;
    const author = addressOfBlob(place.author);
    const foreign =
      facets?.speaker != null && facets.speaker !== author ? `it speaks for ${facets.speaker}` : undefined;
    const problem = reason ?? foreign;
    if (facets === undefined || problem !== undefined) {
      const sql = "UPDATE records SET status = ?, reason = ? WHERE position = ?";
      this.#db.run(sql, RecordStatus.invalid, problem ?? null, place.position);
      this.touched.push({ type: "invalid", position: place.position });
      return;
    }
    this.#writeFacets(place, facets);
    if (facets.fingerprint !== null) {
      const fingerprint = blobOf(facets.fingerprint);
      this.#incidents.set(facets.fingerprint, fingerprint);
      resolveByEvidence(this.#db, fingerprint, content.id, contentId);
    }
    this.touched.push({ type: "verified", position: place.position });
  }

  #writeFacets({ position, author, kind }: Place, facets: Facets): void {
    const { severity, state, round, name, fingerprint, observed, subjects, text } = facets;
    this.#db.run(
      `UPDATE records SET status = ?, severity = ?, state = ?, round = ?, name = ?, fingerprint = ?, observed = ?, reason = NULL
        WHERE position = ?`,
      RecordStatus.verified,
      ...[severity, state, round, name],
      fingerprint === null ? null : blobOf(fingerprint),
      observed === null ? null : Number(observed),
      position,
    );
    for (const subject of subjects) {
      this.#db.run("INSERT OR IGNORE INTO subjects (subject, position) VALUES (?, ?)", subject, position);
    }
    if (text !== null && this.#db.hasFullText) {
      const tags = tagsOf({ author: hexOfBlob(author), kind: RecordKinds[kind] }).join(" ");
      this.#db.run("INSERT INTO texts (rowid, text, tags) VALUES (?, ?, ?)", position, text, tags);
    }
  }
}

interface ContentRow {
  readonly id: number;
  readonly status: number;
  readonly kind: number | null;
  readonly value: string | null;
  readonly attempts: number;
}

interface Place {
  readonly position: number;
  readonly kind: number;
  readonly author: Uint8Array;
}

import { blobOf, hexOfBlob } from "../../../catalog/database/blobs.js";
import type { Database } from "../../../catalog/database/database.js";
import type { AuthorQuota } from "../../../catalog/retention/usage.js";
import type { ContentId } from "../../../records/index.js";
import { AuthorUsage } from "./authorUsage.js";
import { IndexedKinds, type IndexedRecord, type ListedRecord } from "./indexedRecord.js";

const STATE = IndexedKinds.indexOf("State");
const MANIFEST = IndexedKinds.indexOf("Manifest");
const COLUMNS = `id, content_id, kind, rule, block, mine, held, past, expired, failures,
  (SELECT group_concat(account) FROM authors WHERE record = id) AS authors`;

interface RecordRow {
  readonly id: number;
  readonly content_id: Uint8Array;
  readonly kind: number;
  readonly rule: number;
  readonly block: number;
  readonly mine: number;
  readonly held: number;
  readonly past: number;
  readonly expired: number;
  readonly failures: number;
  /** Rows of accounts, separated by commas. */
  readonly authors: string;
}

/** A place in the order of blocks. */
export interface BlockPlace {
  readonly block: number;
  readonly id: number;
}

/** The rows of the records: every reading is of a bounded number of them. */
export class RecordRows {
  readonly #db: Database;
  readonly #accounts = new Map<number, string>();
  readonly #ids = new Map<string, number>();
  readonly #usage: AuthorUsage;

  constructor(db: Database, quota: AuthorQuota) {
    this.#db = db;
    for (const { id, account } of db.all<{ id: number; account: string }>("SELECT id, account FROM accounts"))
      this.#setAccount(id, account);
    // Of a monotonic clock that has begun anew, and of a quota that may have changed.
    db.run("UPDATE records SET retry_at = 0, failures = 0 WHERE failures > 0");
    this.readmit();
    this.#usage = new AuthorUsage(quota);
    this.#usage.load(db);
  }

  find(contentId: ContentId): IndexedRecord | undefined {
    const row = this.#db.get<RecordRow>(`SELECT ${COLUMNS} FROM records WHERE content_id = ?`, blobOf(contentId));
    return row && this.#recordOf(row);
  }

  /** The records after a place, in the order of blocks. */
  page({ block, id }: BlockPlace, limit: number): IndexedRecord[] {
    return this.#select("(block, id) > (?, ?) ORDER BY block, id LIMIT ?", block, id, limit);
  }

  /** The records after a row, in the order in which they were added. */
  pageById(id: number, limit: number): IndexedRecord[] {
    return this.#select("id > ? ORDER BY id LIMIT ?", id, limit);
  }

  /** The records of this node's share that it does not hold and may fetch now, the oldest first. */
  missing(now: number, limit: number): IndexedRecord[] {
    const missing = "mine = 1 AND held = 0 AND expired = 0 AND refused = 0";
    return this.#select(`${missing} AND retry_at <= ? ORDER BY block, id LIMIT ?`, now, limit);
  }

  countMissing(): number {
    const sql = "SELECT count(*) AS n FROM records WHERE mine = 1 AND held = 0 AND expired = 0 AND refused = 0";
    return this.#db.get<{ n: number }>(sql)?.n ?? 0;
  }

  /** The authors of which this node holds nothing from a block on, since there is no room: by their accounts. */
  refusedSince(): { readonly author: string; readonly block: number }[] {
    const sql = `SELECT account, min(block) AS block FROM records JOIN authors ON record = id WHERE refused = 1 AND mine = 1 AND expired = 0
      GROUP BY account ORDER BY block`;
    return this.#db
      .all<{ account: number; block: number }>(sql)
      .map(({ account, block }) => ({ author: this.#accounts.get(account) ?? "", block }));
  }

  /** Records that this node holds and need not, after a row. */
  surplus(after: number, before: BlockPlace | undefined, limit: number): IndexedRecord[] {
    const assigned = before === undefined ? "" : "AND (block, id) <= (?, ?)";
    const values = before === undefined ? [] : [before.block, before.id];
    return this.#select(
      `mine = 0 AND held = 1 AND past = 0 AND id > ? ${assigned} ORDER BY id LIMIT ?`,
      ...[after, ...values, limit],
    );
  }

  /** The models that this node holds, after a row. */
  heldModels(after: number, limit: number): IndexedRecord[] {
    return this.#select("kind = 1 AND held = 1 AND id > ? ORDER BY id LIMIT ?", after, limit);
  }

  /** Expired records that this node holds, manifests after all of their records. */
  toUnpin(limit: number): IndexedRecord[] {
    const records = this.#select(`expired = 1 AND held = 1 AND kind < ${MANIFEST} ORDER BY id LIMIT ?`, limit);
    const emptied = `NOT EXISTS (SELECT 1 FROM leaves JOIN records AS leaf ON leaf.id = leaves.record
      WHERE leaves.manifest = records.id AND leaf.held = 1)`;
    const left = limit - records.length;
    const manifests = this.#select(
      `expired = 1 AND held = 1 AND kind = ${MANIFEST} AND ${emptied} ORDER BY id LIMIT ?`,
      left,
    );
    return [...records, ...manifests];
  }

  /** Adds accounts, which are the authors of the records that one transaction adds. */
  addAccounts(accounts: Iterable<string>): void {
    for (const account of accounts) this.#accountOf(account);
  }

  /** Adds a record, or another author or an earlier anchor of one; undefined if all of it is known. */
  add({ author, block, contentId, isHeld, isJoint, kind, replicaBytes }: ListedRecord): IndexedRecord | undefined {
    const [id, account] = [blobOf(contentId), this.#accountOf(author)];
    const index = IndexedKinds.indexOf(kind);
    const inserted = this.#db.get<{ id: number }>(
      `INSERT INTO records (content_id, kind, rule, block, held, charged, bytes) VALUES (?, ?, ?, ?, ?, ?, ?)
       ON CONFLICT (content_id) DO NOTHING RETURNING id`,
      ...[id, index, isJoint ? STATE : index, block, Number(isHeld)],
      ...[replicaBytes === undefined ? null : account, replicaBytes ?? 0],
    );
    if (inserted !== undefined && replicaBytes !== undefined) this.#usage.add(account, 1, replicaBytes);
    // Manifests are read in any order.
    const rule = isJoint ? "rule" : "kind";
    if (inserted === undefined)
      this.#db.run(`UPDATE records SET block = min(block, ?), rule = ${rule} WHERE content_id = ?`, block, id);
    const isNewAuthor = this.#db.run(
      "INSERT OR IGNORE INTO authors SELECT id, ? FROM records WHERE content_id = ?",
      ...[account, id],
    );
    return isNewAuthor > 0 ? this.find(contentId) : undefined;
  }

  addLeaf(manifest: ContentId, record: ContentId): void {
    const sql = `INSERT OR IGNORE INTO leaves SELECT m.id, r.id FROM records AS m, records AS r
      WHERE m.content_id = ? AND r.content_id = ?`;
    this.#db.run(sql, blobOf(manifest), blobOf(record));
  }

  assign({ id }: IndexedRecord, isMine: boolean): void {
    this.#db.run("UPDATE records SET mine = ? WHERE id = ?", Number(isMine), id);
  }

  /** Whether a replica of so many bytes is within the quota of one of its authors. */
  hasRoom(record: IndexedRecord, bytes: number): boolean {
    return this.#usage.roomOf(this.#authorsOf(record), bytes) !== undefined;
  }

  /** Takes room on the quota of an author, until it is given back; undefined if there is not enough. */
  reserve(record: IndexedRecord, bytes: number): (() => void) | undefined {
    const account = this.#usage.roomOf(this.#authorsOf(record), bytes);
    if (account === undefined) return undefined;
    this.#usage.add(account, 1, bytes);
    return () => this.#usage.add(account, -1, -bytes);
  }

  /** This node holds a replica now, on the quota of one of its authors. */
  hold(record: IndexedRecord, bytes: number): void {
    const charged = this.#usage.roomOf(this.#authorsOf(record), bytes) ?? this.#authorsOf(record)[0] ?? null;
    const sql = "UPDATE records SET held = 1, failures = 0, charged = ?, bytes = ? WHERE id = ? AND held = 0";
    if (this.#db.run(sql, charged, bytes, record.id) > 0 && charged !== null) this.#usage.add(charged, 1, bytes);
  }

  /** This node does not hold it any more. */
  release({ id }: IndexedRecord): void {
    const row = this.#db.get<{ charged: number | null; bytes: number }>(
      "SELECT charged, bytes FROM records WHERE id = ? AND held = 1",
      id,
    );
    this.#db.run("UPDATE records SET held = 0, charged = NULL, bytes = 0 WHERE id = ?", id);
    if (row === undefined || row.charged === null) return;
    this.#usage.add(row.charged, -1, -row.bytes);
    this.readmit();
  }

  /** There may be room again for what was refused. */
  readmit(): void {
    this.#db.run("UPDATE records SET refused = 0 WHERE refused = 1");
  }

  /** This node holds exactly the records for which an SQL condition is true: after a restart, those that are pinned. */
  holdExactly(condition: string): void {
    this.#db.run(`UPDATE records SET held = 1 WHERE held = 0 AND ${condition}`);
    this.#db.run(`UPDATE records SET held = 0, charged = NULL, bytes = 0 WHERE held = 1 AND NOT (${condition})`);
    this.#usage.load(this.#db);
  }

  /** There is no room for it, until some other record is released. */
  refuse({ id }: IndexedRecord): void {
    this.#db.run("UPDATE records SET refused = 1 WHERE id = ?", id);
  }

  postpone({ id }: IndexedRecord, failures: number, retryAt: number): void {
    this.#db.run("UPDATE records SET failures = ?, retry_at = ? WHERE id = ?", failures, retryAt, id);
  }

  /** Whether any record is marked as past its retention. */
  hasPast(): boolean {
    return this.#db.get("SELECT 1 FROM records WHERE past = 1 LIMIT 1") !== undefined;
  }

  /** Marks what is past its retention: records of a rule up to a block. A bounded number in one call. */
  markPast(rule: number, upTo: number, limit: number): void {
    const pick = (where: string) => `SELECT id FROM records WHERE rule = ? AND ${where} LIMIT ?`;
    this.#db.run(`UPDATE records SET past = 1 WHERE id IN (${pick("past = 0 AND block <= ?")})`, rule, upTo, limit);
    // A later vote keeps records for longer.
    const sql = `UPDATE records SET past = 0, expired = 0 WHERE id IN (${pick("past = 1 AND block > ?")})`;
    this.#db.run(sql, rule, upTo, limit);
  }

  /** Marks what has expired: all that is past its retention, without records on hold and the manifests that list them. */
  markExpired(onHold: Iterable<ContentId>, limit: number): void {
    const held = JSON.stringify([...onHold].map((contentId) => contentId.slice(2)));
    this.#db.transaction(() => {
      const isOnHold = "content_id IN (SELECT unhex(value) FROM json_each(?))";
      const pick = `SELECT id FROM records WHERE past = 1 AND expired = 0 AND kind < ${MANIFEST} AND NOT ${isOnHold} LIMIT ?`;
      this.#db.run(`UPDATE records SET expired = 1 WHERE id IN (${pick})`, held, limit);
      const kept = this.#db.all<{ id: number }>(
        `UPDATE records SET expired = 0 WHERE expired = 1 AND ${isOnHold} RETURNING id`,
        held,
      );
      for (const { id } of kept) {
        const lists = "SELECT manifest FROM leaves WHERE record = ?";
        this.#db.run(`UPDATE records SET expired = 0 WHERE id IN (${lists})`, id);
      }
      const listsOthers = `EXISTS (SELECT 1 FROM leaves JOIN records AS leaf ON leaf.id = leaves.record
        WHERE leaves.manifest = records.id AND leaf.expired = 0)`;
      const manifests = `SELECT id FROM records WHERE past = 1 AND expired = 0 AND kind = ${MANIFEST} AND NOT ${listsOthers} LIMIT ?`;
      this.#db.run(`UPDATE records SET expired = 1 WHERE id IN (${manifests})`, limit);
    });
  }

  /** Forgets expired states up to a block that this node does not hold, and the manifests of joint anchors. A bounded number in one call. */
  forget(upTo: number, limit: number): void {
    this.#db.transaction(() => {
      const ids = this.#db.all<{ id: number }>(
        `DELETE FROM records WHERE id IN (SELECT id FROM records WHERE expired = 1 AND held = 0 AND rule = ${STATE} AND block <= ? LIMIT ?) RETURNING id`,
        ...[upTo, limit],
      );
      for (const { id } of ids) {
        this.#db.run("DELETE FROM authors WHERE record = ?", id);
        this.#db.run("DELETE FROM leaves WHERE manifest = ?", id);
        this.#db.run("DELETE FROM leaves WHERE record = ?", id);
      }
    });
  }

  #select(where: string, ...values: readonly number[]): IndexedRecord[] {
    return this.#db
      .all<RecordRow>(`SELECT ${COLUMNS} FROM records WHERE ${where}`, ...values)
      .map((row) => this.#recordOf(row));
  }

  #recordOf(row: RecordRow): IndexedRecord {
    const [kind, rule] = [IndexedKinds[row.kind], IndexedKinds[row.rule]];
    if (kind === undefined || rule === undefined) throw new RangeError(`there is no kind ${row.kind} or ${row.rule}`);
    return {
      id: row.id,
      contentId: hexOfBlob(row.content_id),
      kind,
      rule,
      authors: new Set(row.authors.split(",").map((id) => this.#accounts.get(Number(id)) ?? "")),
      block: row.block,
      isHeld: row.held === 1,
      isMine: row.mine === 1,
      isExpired: row.expired === 1,
      isPastRetention: row.past === 1,
      failures: row.failures,
    };
  }

  #authorsOf({ authors }: IndexedRecord): number[] {
    return [...authors].map((author) => this.#accountOf(author));
  }

  /** The row of an account. A new one is added at once, so not within a transaction that may be undone. */
  #accountOf(account: string): number {
    const known = this.#ids.get(account);
    if (known !== undefined) return known;
    const row = this.#db.get<{ id: number }>("INSERT INTO accounts (account) VALUES (?) RETURNING id", account);
    if (row === undefined) throw new RangeError(`the account ${account} was not added`);
    this.#setAccount(row.id, account);
    return row.id;
  }

  #setAccount(id: number, account: string): void {
    this.#accounts.set(id, account);
    this.#ids.set(account, id);
  }
}

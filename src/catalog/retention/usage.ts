import type { SQLInputValue } from "node:sqlite";
import type { Address, ContentId } from "../../records/index.js";
import { blobOf } from "../database/blobs.js";
import type { Database } from "../database/database.js";
import { FetchStatus } from "../status.js";

/** How much of one author's records is stored at most. */
export interface AuthorQuota {
  /** Of what is stored for the records. */
  readonly bytes: number;
  readonly records: number;
}

/** Adds to what an author's records take, or takes from it where the numbers are negative. */
export function addUsage(db: Database, author: Uint8Array, records: number, bytes: number): void {
  db.run(
    `INSERT INTO usage (author, records, bytes) VALUES (?, ?, ?)
     ON CONFLICT (author) DO UPDATE SET records = records + excluded.records, bytes = bytes + excluded.bytes`,
    ...[author, records, bytes],
  );
}

/** Takes off what the records for which an SQL condition is true take, before they are deleted. */
export function releaseUsage(db: Database, condition: string, ...values: readonly SQLInputValue[]): void {
  const rows = db.all<{ author: Uint8Array; records: number; bytes: number }>(
    `SELECT r.author AS author, count(*) AS records, sum(CASE c.status WHEN ${FetchStatus.valid} THEN octet_length(c.value) ELSE 0 END) AS bytes
       FROM records r CROSS JOIN contents c ON c.id = r.content WHERE ${condition} GROUP BY r.author`,
    ...values,
  );
  for (const { author, records, bytes } of rows) addUsage(db, author, -records, -bytes);
}

/** What is within the quotas of authors, as far as there are any, as of one transaction. */
export class AuthorRoom {
  readonly #db: Database;
  readonly #quota: AuthorQuota | undefined;
  readonly #self: Uint8Array;
  /** Records that it has found room for. */
  readonly #admitted = new Map<Address, number>();

  /** @param self An author without a quota. */
  constructor(db: Database, quota: AuthorQuota | undefined, self?: Address) {
    this.#db = db;
    this.#quota = quota;
    this.#self = self === undefined ? new Uint8Array() : blobOf(self);
  }

  /** Takes room for so many more records of the author, if there is as much. */
  admit(author: Address, records: number): boolean {
    if (this.#quota === undefined) return true;
    const blob = blobOf(author);
    if (Buffer.compare(blob, this.#self) === 0) return true;
    const used = this.#db.get<{ records: number }>("SELECT records FROM usage WHERE author = ?", blob)?.records ?? 0;
    const admitted = (this.#admitted.get(author) ?? 0) + records;
    if (used + admitted > this.#quota.records) return false;
    this.#admitted.set(author, admitted);
    return true;
  }

  /** Whether so many bytes more may fill an author's quota: then what each author has left is looked at. */
  isNear(bytes: number): boolean {
    if (this.#quota === undefined) return false;
    const sql = "SELECT 1 FROM usage WHERE bytes > ? AND author <> ? LIMIT 1";
    return this.#db.get(sql, this.#quota.bytes - bytes, this.#self) !== undefined;
  }

  /** Whether one of the authors that list a record has bytes left. */
  hasRoomToStore(contentId: ContentId): boolean {
    if (this.#quota === undefined) return true;
    const listed = this.#db.get(
      `SELECT 1 FROM contents c JOIN records r ON r.content = c.id JOIN usage u ON u.author = r.author
        WHERE c.content_id = ? AND (u.bytes < ? OR u.author = ?) LIMIT 1`,
      ...[blobOf(contentId), this.#quota.bytes, this.#self],
    );
    return listed !== undefined;
  }
}

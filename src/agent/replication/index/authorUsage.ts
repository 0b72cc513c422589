import type { Database } from "../../../catalog/database/database.js";
import type { AuthorQuota } from "../../../catalog/retention/usage.js";

interface Usage {
  bytes: number;
  records: number;
}

/** What the replicas of each author take on this node, by the row of the account. */
export class AuthorUsage {
  readonly #usage = new Map<number, Usage>();
  readonly #quota: AuthorQuota;

  constructor(quota: AuthorQuota) {
    this.#quota = quota;
  }

  load(db: Database): void {
    this.#usage.clear();
    const sql =
      "SELECT charged, count(*) AS records, sum(bytes) AS bytes FROM records WHERE charged IS NOT NULL GROUP BY charged";
    for (const { charged, ...usage } of db.all<Usage & { charged: number }>(sql)) this.#usage.set(charged, usage);
  }

  /** The first of the authors on whose quota so many bytes fit; undefined if they fit on none. */
  roomOf(accounts: readonly number[], bytes: number): number | undefined {
    return accounts.find((account) => {
      const used = this.#usage.get(account) ?? { bytes: 0, records: 0 };
      return used.records < this.#quota.records && used.bytes + bytes <= this.#quota.bytes;
    });
  }

  /** Adds to an author's usage, or takes from it where the numbers are negative. */
  add(account: number, records: number, bytes: number): void {
    const used = this.#usage.get(account) ?? { bytes: 0, records: 0 };
    used.records += records;
    used.bytes += bytes;
    this.#usage.set(account, used);
  }
}

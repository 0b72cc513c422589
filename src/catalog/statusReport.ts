import type { Database } from "./database/database.js";
import { readProgress } from "./database/meta.js";
import { type ProofStatus, ProofStatuses } from "./status.js";
import type { Confirmations } from "./sync/confirmations.js";

/** What a catalog holds and how far it has come. */
export interface CatalogStatus {
  readonly path: string;
  /** The newest block that was read. */
  readonly block: number;
  /** The chain's newest block at the last sync. */
  readonly head: number;
  /** Everything in this block and in earlier ones is confirmed. */
  readonly confirmedBlock: number;
  /** Batches; a joint anchor counts as one until its manifest was fetched. */
  readonly anchors: { readonly awaited: number; readonly listed: number; readonly invalid: number };
  readonly records: Readonly<Record<ProofStatus, number>>;
  readonly incidents: { readonly open: number; readonly resolved: number };
  /** Whether words can be searched for. */
  readonly fullText: boolean;
}

export function readStatus(
  db: Database,
  { path, deployedAtBlock, confirmed }: { path: string; deployedAtBlock: number; confirmed: Confirmations },
): CatalogStatus {
  const counts = (sql: string) => new Map(db.all<{ key: number; n: number }>(sql).map(({ key, n }) => [key, n]));
  const anchors = counts(
    "SELECT status AS key, count(*) AS n FROM (SELECT status FROM anchors UNION ALL SELECT status FROM joints WHERE status <> 1) GROUP BY status",
  );
  const records = counts("SELECT status AS key, count(*) AS n FROM records GROUP BY status");
  const incidents = counts("SELECT open AS key, count(*) AS n FROM incidents GROUP BY open");
  const { block, head } = readProgress(db, deployedAtBlock);
  return {
    path,
    block,
    head,
    confirmedBlock: Math.min(block, confirmed.through),
    anchors: { awaited: anchors.get(0) ?? 0, listed: anchors.get(1) ?? 0, invalid: anchors.get(2) ?? 0 },
    records: Object.fromEntries(ProofStatuses.map((status, i) => [status, records.get(i) ?? 0])) as Record<
      ProofStatus,
      number
    >,
    incidents: { open: incidents.get(1) ?? 0, resolved: incidents.get(0) ?? 0 },
    fullText: db.hasFullText,
  };
}

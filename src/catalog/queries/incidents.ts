import type { Database } from "../database/database.js";
import { PLACES } from "../database/schema.js";

/** `Done` in the contracts' enum of reports, as text in the arguments of events. */
const DONE = "2";

/** Writes which incidents a directive has resolved that was enacted as done; `slot` is the slot of its enactment. */
export function resolveIncidentsOf(db: Database, directiveId: string, slot: number): void {
  const rows = db.all<{ fingerprint: Uint8Array; content: number }>(
    `SELECT DISTINCT r.fingerprint AS fingerprint, c.id AS content
       FROM events e JOIN evidence v ON v.slot = e.slot
       JOIN contents c ON c.content_id = v.content_id JOIN records r ON r.content = c.id
      WHERE e.key = ? AND e.name = 'DirectiveIssued' AND r.fingerprint IS NOT NULL`,
    directiveId,
  );
  for (const { fingerprint, content } of rows) writeResolution(db, fingerprint, slot, content);
  for (const { fingerprint } of rows) refreshIncident(db, fingerprint);
}

/** Writes the earlier enactments that resolve an incident, when a record of it is verified only now. */
export function resolveByEvidence(db: Database, fingerprint: Uint8Array, content: number, contentId: Uint8Array): void {
  const enacted = db.all<{ slot: number }>(
    `SELECT done.slot AS slot FROM evidence v
       JOIN events issued ON issued.slot = v.slot AND issued.name = 'DirectiveIssued'
       JOIN events done ON done.key = issued.key AND done.name = 'DirectiveEnacted' AND done.args ->> 'report' = ?
      WHERE v.content_id = ?`,
    DONE,
    contentId,
  );
  for (const { slot } of enacted) writeResolution(db, fingerprint, slot, content);
}

function writeResolution(db: Database, fingerprint: Uint8Array, slot: number, content: number): void {
  db.run("INSERT OR IGNORE INTO resolutions (fingerprint, slot, content) VALUES (?, ?, ?)", fingerprint, slot, content);
}

/**
 * Computes the row of an incident from the verified records of its fingerprint and the directives that cite them.
 *
 * An incident is resolved when a directive that cites one of its records was enacted as done. A later report opens it again if
 * no node had anchored that record before, or if its own author had. If only another node had, the author of the report was
 * merely slow, and the incident stays resolved.
 */
export function refreshIncident(db: Database, fingerprint: Uint8Array): void {
  const [first, last] = [reportAt(db, fingerprint, "ASC"), reportAt(db, fingerprint, "DESC")];
  if (first === undefined || last === undefined) {
    db.run("DELETE FROM incidents WHERE fingerprint = ?", fingerprint);
    return;
  }
  const occurrences = db.get<{ n: number }>(
    "SELECT count(*) AS n FROM records INDEXED BY records_by_observed WHERE fingerprint = ? AND observed = 1",
    fingerprint,
  );
  const ended = db.get<{ slot: number | null }>(
    "SELECT max(slot) AS slot FROM resolutions WHERE fingerprint = ?",
    fingerprint,
  );
  const resolved = ended?.slot == null ? null : ended.slot * PLACES;
  const open = resolved === null || isSeenAgain(db, fingerprint, resolved);
  db.run(
    `INSERT OR REPLACE INTO incidents (fingerprint, kind, subject, severity, open, first, last, resolved, occurrences)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    fingerprint,
    last.kind,
    last.subject,
    last.severity,
    open ? 1 : 0,
    first.position,
    last.position,
    resolved,
    occurrences?.n ?? 0,
  );
}

interface IncidentReport {
  readonly position: number;
  readonly severity: number;
  readonly kind: string;
  readonly subject: string;
}

/** The first or the last report. */
function reportAt(db: Database, fingerprint: Uint8Array, order: "ASC" | "DESC"): IncidentReport | undefined {
  return db.get<IncidentReport>(
    `SELECT r.position AS position, r.severity AS severity, c.value ->> 'kind' AS kind, c.value ->> 'subject' AS subject
       FROM records r INDEXED BY records_by_observed JOIN contents c ON c.id = r.content
      WHERE r.fingerprint = ? AND r.observed = 1 ORDER BY r.position ${order} LIMIT 1`,
    fingerprint,
  );
}

function isSeenAgain(db: Database, fingerprint: Uint8Array, resolved: number): boolean {
  const again = db.get(
    `SELECT 1 FROM records r INDEXED BY records_by_observed
      WHERE r.fingerprint = ?1 AND r.observed = 1 AND r.position > ?2
        AND (NOT EXISTS (SELECT 1 FROM records e WHERE e.content = r.content AND e.position < ?2)
             OR EXISTS (SELECT 1 FROM records e WHERE e.content = r.content AND e.position < ?2 AND e.author = r.author))
      LIMIT 1`,
    fingerprint,
    resolved,
  );
  return again !== undefined;
}

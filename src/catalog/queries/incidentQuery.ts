import type { SQLInputValue } from "node:sqlite";
import {
  type DirectiveKind,
  DirectiveKinds,
  type Hex,
  type IncidentKind,
  Severities,
  type Severity,
} from "../../records/index.js";
import { blobOf, hexOfBlob } from "../database/blobs.js";
import { cursorOf, positionBelow } from "../database/cursor.js";
import type { Database } from "../database/database.js";
import { PLACES } from "../database/schema.js";
import { type Confirmations, placeOf } from "../sync/confirmations.js";
import type { CatalogRecord, ChainPlace, IncidentFilter, IncidentQuery } from "./query.js";
import { type Select, selectRecords } from "./recordQuery.js";

/** One incident over time: all incident records of one fingerprint. Only verified records count. */
export interface CatalogIncident {
  readonly fingerprint: Hex;
  readonly kind: IncidentKind;
  readonly subject: string;
  /** As in the last report. */
  readonly severity: Severity;
  readonly open: boolean;
  /** How often it was reported: once for each anchor of each record. */
  readonly occurrences: number;
  readonly firstSeen: ChainPlace;
  readonly lastSeen: ChainPlace;
  /** Where a directive that cites a report was enacted as done; null if no such directive was. */
  readonly resolved: (ChainPlace & { readonly directive: Hex }) | null;
  readonly cursor: string;
}

export interface IncidentPage {
  /** The incident that was reported last comes first. */
  readonly incidents: readonly CatalogIncident[];
  readonly cursor: string | null;
  readonly block: number;
}

/** One step in the history of an incident. */
export type IncidentEvent =
  | { readonly type: "reported" | "closed"; readonly record: CatalogRecord<"Incident"> }
  | { readonly type: "proposed"; readonly proposalId: string; readonly at: ChainPlace }
  | { readonly type: "ordered"; readonly directive: Hex; readonly kind: DirectiveKind; readonly at: ChainPlace }
  | { readonly type: "enacted"; readonly directive: Hex; readonly result: "done" | "failed"; readonly at: ChainPlace };

export interface IncidentHistory extends CatalogIncident {
  readonly history: readonly IncidentEvent[];
  /** The cursor of the history's next page; null after the last. */
  readonly next: string | null;
}

/** The proposals and directives that cite a report are looked up for this many of the newest reports. */
const MAX_CITED = 1_000;

interface IncidentRow {
  readonly fingerprint: Uint8Array;
  readonly kind: string;
  readonly subject: string;
  readonly severity: number;
  readonly open: number;
  readonly first: number;
  readonly last: number;
  readonly resolved: number | null;
  readonly occurrences: number;
}

interface PlaceRow {
  readonly block: number;
  readonly log: number;
  readonly tx: Uint8Array;
  readonly blockHash: Uint8Array;
  readonly time: number;
}

export function pageOfIncidents(db: Database, query: IncidentQuery, confirmed: Confirmations, limit: number) {
  const below = query.cursor === undefined ? undefined : positionBelow(db, query.cursor);
  const { sql, values } = buildIncidentSelect(query, below ?? Number.MAX_SAFE_INTEGER, limit + 1);
  const rows = db.all<IncidentRow>(sql, ...values);
  const incidents = rows.slice(0, limit).map((row) => incidentOf(db, row, confirmed));
  return { incidents, cursor: rows.length > limit ? (incidents.at(-1)?.cursor ?? null) : null };
}

/** Builds the select of a page: one index gives the rows in order, and the other filters are checked on each row. */
export function buildIncidentSelect(
  { open, kind, severity, subject }: IncidentFilter,
  below: number,
  limit: number,
): Select {
  const columns: [string, string, SQLInputValue | undefined][] = [
    ["incidents_by_subject", "subject", subject],
    ["incidents_by_open", "open", open === undefined ? undefined : Number(open)],
    ["incidents_by_severity", "severity", severity && Severities.indexOf(severity)],
    ["incidents_by_kind", "kind", kind],
  ];
  const given = columns.flatMap(([index, column, value]) => (value === undefined ? [] : [{ index, column, value }]));
  const conditions = ["last < ?", ...given.map(({ column }, i) => `${i === 0 ? "" : "+"}${column} = ?`)];
  const index = given[0]?.index ?? "incidents_by_last";
  return {
    sql: `SELECT * FROM incidents INDEXED BY ${index} WHERE ${conditions.join(" AND ")} ORDER BY last DESC LIMIT ?`,
    values: [below, ...given.map(({ value }) => value), limit],
  };
}

/** One incident with its history, newest first; undefined if no verified record has this fingerprint. */
export function readIncident(
  db: Database,
  fingerprint: Hex,
  confirmed: Confirmations,
  { limit, cursor }: { limit: number; cursor?: string | undefined },
): IncidentHistory | undefined {
  const row = db.get<IncidentRow>("SELECT * FROM incidents WHERE fingerprint = ?", blobOf(fingerprint));
  if (row === undefined) return undefined;
  const below = (cursor === undefined ? undefined : positionBelow(db, cursor)) ?? Number.MAX_SAFE_INTEGER;
  const records = selectRecords(db, { fingerprint }, confirmed, { limit: limit + 1, below }).map((record) => ({
    cursor: record.cursor,
    position: positionOf(db, record.cursor),
    event: recordEvent(record as CatalogRecord<"Incident">),
  }));
  const entries = [...records, ...chainEvents(db, row.fingerprint, below, limit + 1, confirmed)].sort(
    (a, b) => b.position - a.position,
  );
  const shown = entries.slice(0, limit);
  return {
    ...incidentOf(db, row, confirmed),
    history: shown.map(({ event }) => event),
    next: entries.length > limit ? (shown.at(-1)?.cursor ?? null) : null,
  };
}

function recordEvent(record: CatalogRecord<"Incident">): IncidentEvent {
  return { type: record.value?.resolution === null ? "reported" : "closed", record };
}

function positionOf(db: Database, cursor: string): number {
  return positionBelow(db, cursor) ?? 0;
}

/** Proposals and directives that cite the reports, and the enactments of those directives. */
function chainEvents(db: Database, fingerprint: Uint8Array, below: number, limit: number, confirmed: Confirmations) {
  const rows = db.all<PlaceRow & { slot: number; name: string; key: string; args: string }>(
    `SELECT DISTINCT e.slot AS slot, e.name AS name, e.key AS key, e.args AS args, e.block AS block, e.log AS log,
            e.tx AS tx, b.hash AS blockHash, b.time AS time
       FROM (SELECT content FROM records INDEXED BY records_by_fingerprint
              WHERE fingerprint = ? ORDER BY position DESC LIMIT ?) r
       CROSS JOIN contents c ON c.id = r.content
       CROSS JOIN evidence v ON v.content_id = c.content_id
       CROSS JOIN events cited ON cited.slot = v.slot
       CROSS JOIN events e ON e.key = cited.key AND (e.slot = cited.slot OR e.name = 'DirectiveEnacted')
       CROSS JOIN blocks b ON b.number = e.block
      WHERE e.slot < ? ORDER BY e.slot DESC LIMIT ?`,
    fingerprint,
    MAX_CITED,
    below / PLACES,
    limit,
  );
  return rows.map((row) => ({
    cursor: cursorOf(row.slot * PLACES, row.block, row.log),
    position: row.slot * PLACES,
    event: chainEvent(row, placeOf(row, confirmed)),
  }));
}

function chainEvent({ name, key, args }: { name: string; key: string; args: string }, at: ChainPlace): IncidentEvent {
  const facts = JSON.parse(args) as { kind?: string; report?: string };
  if (name === "DirectiveIssued") {
    return { type: "ordered", directive: key as Hex, kind: DirectiveKinds[Number(facts.kind)] ?? "Experiment", at };
  }
  if (name === "DirectiveEnacted") {
    return { type: "enacted", directive: key as Hex, result: facts.report === "2" ? "done" : "failed", at };
  }
  return { type: "proposed", proposalId: key, at };
}

function incidentOf(db: Database, row: IncidentRow, confirmed: Confirmations): CatalogIncident {
  const first = anchorPlace(db, row.first);
  const last = anchorPlace(db, row.last);
  const ended = row.resolved === null ? undefined : eventPlace(db, row.resolved / PLACES);
  return {
    fingerprint: hexOfBlob(row.fingerprint),
    kind: row.kind as IncidentKind,
    subject: row.subject,
    severity: Severities[row.severity] ?? "low",
    open: row.open === 1,
    occurrences: row.occurrences,
    firstSeen: placeOf(first, confirmed),
    lastSeen: placeOf(last, confirmed),
    resolved: ended === undefined ? null : { directive: ended.key as Hex, ...placeOf(ended, confirmed) },
    cursor: cursorOf(row.last, last.block, last.log),
  };
}

function anchorPlace(db: Database, position: number): PlaceRow {
  return requireRow(
    db.get<PlaceRow>(
      `SELECT a.block AS block, a.log AS log, a.tx AS tx, b.hash AS blockHash, b.time AS time
         FROM anchors a JOIN blocks b ON b.number = a.block WHERE a.slot = ?`,
      Math.floor(position / PLACES),
    ),
  );
}

function eventPlace(db: Database, slot: number): PlaceRow & { readonly key: string } {
  return requireRow(
    db.get<PlaceRow & { key: string }>(
      `SELECT e.key AS key, e.block AS block, e.log AS log, e.tx AS tx, b.hash AS blockHash, b.time AS time
         FROM events e JOIN blocks b ON b.number = e.block WHERE e.slot = ?`,
      slot,
    ),
  );
}

function requireRow<T>(row: T | undefined): T {
  if (row === undefined) throw new Error("an incident refers to what is not in the catalog");
  return row;
}

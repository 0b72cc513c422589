import type { SQLInputValue } from "node:sqlite";
import { contentIdToCid, NamedStates, RecordKinds, type RecordValue, Severities } from "../../records/index.js";
import { addressOfBlob, blobOf, hexOfBlob } from "../database/blobs.js";
import { cursorOf, positionBelow } from "../database/cursor.js";
import type { Database } from "../database/database.js";
import { PLACES } from "../database/schema.js";
import { CatalogError } from "../errors.js";
import { ProofStatuses, RecordStatus } from "../status.js";
import { type Confirmations, placeOf } from "../sync/confirmations.js";
import { firstSlotAbove } from "../sync/slots.js";
import type { CatalogRecord, RecordFilter, RecordQuery } from "./query.js";
import { matchOf } from "./words.js";

/** A select whose rows are in the order of time. */
export interface Select {
  readonly sql: string;
  readonly values: readonly SQLInputValue[];
}

const COLUMNS = `r.position AS position, r.kind AS kind, r.author AS author, r.status AS status,
  ifnull(r.reason, c.reason) AS reason, r.fingerprint AS fingerprint, c.content_id AS contentId,
  CASE r.status WHEN ${RecordStatus.verified} THEN c.value END AS value,
  a.root AS root, a.sequence AS sequence, a.manifest AS manifest, a.tx AS tx, a.block AS block, a.log AS log,
  b.hash AS blockHash, b.time AS time, j.root AS jointRoot, j.manifest AS jointManifest`;

/** With CROSS JOIN SQLite joins the tables in this order. */
const JOINS = `CROSS JOIN anchors a ON a.slot = r.position / ${PLACES}
  CROSS JOIN blocks b ON b.number = a.block CROSS JOIN contents c ON c.id = r.content
  LEFT JOIN joints j ON j.slot = a.joint`;

interface RecordRow {
  readonly position: number;
  readonly kind: number;
  readonly author: Uint8Array;
  readonly status: number;
  readonly reason: string | null;
  readonly fingerprint: Uint8Array | null;
  readonly contentId: Uint8Array;
  readonly value: string | null;
  readonly root: Uint8Array;
  readonly sequence: number | null;
  readonly manifest: Uint8Array;
  readonly tx: Uint8Array;
  readonly block: number;
  readonly log: number;
  readonly blockHash: Uint8Array;
  readonly time: number;
  readonly jointRoot: Uint8Array | null;
  readonly jointManifest: Uint8Array | null;
}

/** The records that match a filter, newest first; with `at` only the record at that position, if it matches. */
export function selectRecords(
  db: Database,
  filter: RecordFilter,
  confirmed: Confirmations,
  { limit, below, at }: { limit: number; below?: number | undefined; at?: number | undefined },
): CatalogRecord[] {
  const bounds = boundsOf(db, filter, confirmed, below);
  if (bounds === undefined) return [];
  const { sql, values } = buildSelect(db, filter, at === undefined ? bounds : { from: at, to: at + 1 }, limit);
  if (at !== undefined && (at < bounds.from || at >= bounds.to)) return [];
  return db.all<RecordRow>(sql, ...values).map((row) => recordOf(row, confirmed));
}

/** A page of records; empty if there is no record below the cursor. */
export function pageOfRecords(db: Database, query: RecordQuery, confirmed: Confirmations, limit: number) {
  const below = query.cursor === undefined ? undefined : positionBelow(db, query.cursor);
  const rows = selectRecords(db, query, confirmed, { limit: limit + 1, below });
  const records = rows.slice(0, limit);
  return { records, cursor: rows.length > limit ? (records.at(-1)?.cursor ?? null) : null };
}

/** The positions from one on, and below another. */
interface Bounds {
  readonly from: number;
  readonly to: number;
}

/** Time and confirmation are ranges of positions, since positions are in the order of the chain. */
function boundsOf(
  db: Database,
  { since, until, confirmed: only }: RecordFilter,
  confirmed: Confirmations,
  below = Number.MAX_SAFE_INTEGER,
): Bounds | undefined {
  const tops = [below];
  let from = 0;
  if (since !== undefined) {
    const block = firstBlockFrom(db, since);
    const slot = block === undefined ? undefined : firstSlotAbove(db, block - 1);
    if (slot === undefined) return undefined;
    from = slot * PLACES;
  }
  if (until !== undefined) {
    const block = firstBlockFrom(db, until);
    const slot = block === undefined ? undefined : firstSlotAbove(db, block - 1);
    if (slot !== undefined) tops.push(slot * PLACES);
  }
  if (only === true) {
    const slot = firstSlotAbove(db, confirmed.through);
    if (slot !== undefined) tops.push(slot * PLACES);
  }
  return { from, to: Math.min(...tops) };
}

function firstBlockFrom(db: Database, time: number): number | undefined {
  return db.get<{ number: number }>(
    "SELECT number FROM blocks INDEXED BY blocks_by_time WHERE time >= ? ORDER BY time, number LIMIT 1",
    time,
  )?.number;
}

/**
 * Builds the select of a page. One index gives the rows in the order of positions: that of the filter that is likely to match
 * the fewest rows. The other filters are checked on each row. So no page needs a scan of the table or a sort.
 */
export function buildSelect(db: Database, filter: RecordFilter, bounds: Bounds, limit: number): Select {
  const conditions: string[] = [];
  const values: SQLInputValue[] = [];
  const where = (condition: string, value: SQLInputValue) => {
    conditions.push(condition);
    values.push(value);
  };

  const { source, position, covered } = sourceOf(db, filter, where);
  where(`${position} >= ?`, bounds.from);
  where(`${position} < ?`, bounds.to);
  for (const [name, column, value] of columnsOf(filter)) {
    // The unary plus keeps SQLite from using another index.
    where(`${covered.includes(name) ? "" : "+"}${column} = ?`, value);
  }
  if (filter.contentId !== undefined && !covered.includes("contentId")) {
    where("r.content = (SELECT id FROM contents WHERE content_id = ?)", blobOf(filter.contentId));
  }
  if (filter.subject !== undefined && !covered.includes("subject")) {
    where("EXISTS (SELECT 1 FROM subjects s WHERE s.subject = ? AND s.position = r.position)", filter.subject);
  }
  const sql = `SELECT ${COLUMNS} FROM ${source} ${JOINS} WHERE ${conditions.join(" AND ")} ORDER BY ${position} DESC LIMIT ?`;
  return { sql, values: [...values, limit] };
}

/** The filters that compare a column of the records. */
function columnsOf(filter: RecordFilter): [keyof RecordFilter, string, SQLInputValue][] {
  const { kind, author, status, severity, state, round, name, fingerprint } = filter;
  const columns: [keyof RecordFilter, string, SQLInputValue | undefined][] = [
    ["kind", "r.kind", kind && RecordKinds.indexOf(kind)],
    ["author", "r.author", author && blobOf(author)],
    ["status", "r.status", status && RecordStatus[status]],
    ["severity", "r.severity", severity && Severities.indexOf(severity)],
    ["state", "r.state", state && NamedStates.indexOf(state)],
    ["round", "r.round", round],
    ["name", "r.name", name],
    ["fingerprint", "r.fingerprint", fingerprint && blobOf(fingerprint)],
  ];
  return columns.filter((column): column is [keyof RecordFilter, string, SQLInputValue] => column[2] !== undefined);
}

/** Where a select gets its rows from. */
interface RowSource {
  readonly source: string;
  readonly position: string;
  /** The filters that the source has applied already. */
  readonly covered: readonly (keyof RecordFilter)[];
}

/** The index whose filters usually match the fewest rows comes first; the first one whose filters are given is used. */
const indices: readonly { readonly index: string; readonly by: readonly (keyof RecordFilter)[] }[] = [
  { index: "records_by_fingerprint", by: ["fingerprint"] },
  { index: "records_by_author_severity", by: ["author", "severity"] },
  { index: "records_by_severity", by: ["severity"] },
  { index: "records_by_round", by: ["round"] },
  { index: "records_by_name", by: ["name"] },
  { index: "records_by_author_state", by: ["author", "state"] },
  { index: "records_by_state", by: ["state"] },
  { index: "records_by_author_kind", by: ["author", "kind"] },
  { index: "records_by_author", by: ["author"] },
  { index: "records_by_kind", by: ["kind"] },
  { index: "records_by_status", by: ["status"] },
];

function sourceOf(
  db: Database,
  filter: RecordFilter,
  where: (condition: string, value: SQLInputValue) => void,
): RowSource {
  const { text, contentId, subject, status } = filter;
  if (contentId !== undefined) {
    where("r.content = (SELECT id FROM contents WHERE content_id = ?)", blobOf(contentId));
    if (text !== undefined) whereText(db, filter, "r.position IN (SELECT rowid FROM texts WHERE texts MATCH ?)", where);
    return { source: "records r INDEXED BY records_by_content", position: "r.position", covered: ["contentId"] };
  }
  if (text !== undefined) {
    whereText(db, filter, "texts MATCH ?", where);
    return { source: "texts CROSS JOIN records r ON r.position = texts.rowid", position: "texts.rowid", covered: [] };
  }
  if (subject !== undefined && filter.fingerprint === undefined) {
    where("s.subject = ?", subject);
    return {
      source: "subjects s CROSS JOIN records r ON r.position = s.position",
      position: "s.position",
      covered: ["subject"],
    };
  }
  // Few records are not verified.
  const unproven = status !== undefined && status !== "verified";
  const index = unproven
    ? { index: "records_by_status", by: ["status"] as const }
    : indices.find(({ by }) => by.every((name) => filter[name] !== undefined));
  if (index === undefined) return { source: "records r NOT INDEXED", position: "r.position", covered: [] };
  return { source: `records r INDEXED BY ${index.index}`, position: "r.position", covered: index.by };
}

function whereText(
  db: Database,
  filter: RecordFilter,
  condition: string,
  where: (condition: string, value: SQLInputValue) => void,
): void {
  if (!db.hasFullText) {
    throw new CatalogError("no-full-text", "This Node's SQLite cannot search for words.", {
      hints: ["Leave the words out, or use a Node whose SQLite has FTS5."],
    });
  }
  where(condition, matchOf(filter.text ?? "", filter));
}

function jointOf({ jointManifest, jointRoot }: RecordRow): CatalogRecord["anchor"]["joint"] {
  if (jointRoot === null || jointManifest === null) return null;
  return { root: hexOfBlob(jointRoot), manifest: contentIdToCid(hexOfBlob(jointManifest)) };
}

function recordOf(row: RecordRow, confirmed: Confirmations): CatalogRecord {
  const contentId = hexOfBlob(row.contentId);
  return {
    kind: RecordKinds[row.kind] ?? "State",
    contentId,
    cid: contentIdToCid(contentId),
    author: addressOfBlob(row.author),
    status: ProofStatuses[row.status] ?? "listed",
    reason: row.reason,
    value: row.value === null ? null : (JSON.parse(row.value) as RecordValue),
    anchor: {
      root: hexOfBlob(row.root),
      sequence: row.sequence,
      manifest: contentIdToCid(hexOfBlob(row.manifest)),
      joint: jointOf(row),
      ...placeOf(row, confirmed),
    },
    fingerprint: row.fingerprint === null ? null : hexOfBlob(row.fingerprint),
    cursor: cursorOf(row.position, row.block, row.log),
  } as CatalogRecord;
}

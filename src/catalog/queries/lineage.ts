import type { ContentId, Hex } from "../../records/index.js";
import { contentIdToCid } from "../../records/index.js";
import { blobOf, hexOfBlob } from "../database/blobs.js";
import type { Database } from "../database/database.js";
import { type Confirmations, placeOf } from "../sync/confirmations.js";
import type { CatalogRecord, ChainPlace } from "./query.js";
import { selectRecords } from "./recordQuery.js";

/** The acceptance of a model by the DAO. */
export interface Acceptance extends ChainPlace {
  readonly name: string;
  readonly version: number;
  readonly round: number;
  /** The model that was accepted before; null for the first. */
  readonly parent: ContentId | null;
}

/** A model in a lineage. */
export interface LineageModel {
  readonly model: ContentId;
  readonly cid: string;
  /** How many links it is away from the model that was asked for. */
  readonly distance: number;
  /** The models one link nearer that it is linked with, and whether a record or an acceptance links them. */
  readonly via: readonly { readonly model: ContentId; readonly by: "record" | "acceptance" }[];
  readonly acceptances: readonly Acceptance[];
  /** The records under its anchors, newest first; empty if no anchor lists it. */
  readonly records: readonly CatalogRecord[];
}

export interface ModelLineage {
  readonly model: LineageModel;
  /** The models that it descends from, nearest first. */
  readonly ancestors: readonly LineageModel[];
  /** The models that descend from it, nearest first. */
  readonly descendants: readonly LineageModel[];
  /** Whether models were left out, because there are more than the limit. */
  readonly truncated: boolean;
  readonly block: number;
}

export interface LineageOptions {
  /** Models on each side; {@link DEFAULT_LINEAGE} by default. */
  readonly limit?: number | undefined;
}

export const DEFAULT_LINEAGE = 100;
export const MAX_LINEAGE = 1_000;
/** Records that are returned of one model. */
const MAX_RECORDS = 10;
/** Links of one model that are followed. */
const MAX_LINKS = 256;

type Side = "ancestors" | "descendants";

interface Step {
  readonly model: Hex;
  readonly distance: number;
  readonly via: { model: Hex; by: "record" | "acceptance" }[];
}

/**
 * The models that a model descends from, and those that descend from it. Two models are linked if a verified Model record
 * names the other as a parent, or if the DAO accepted one after the other. Each model appears once.
 */
export function readLineage(
  db: Database,
  model: ContentId,
  confirmed: Confirmations,
  limit: number,
): ModelLineage | undefined {
  const ancestors = walk(db, model, "ancestors", limit);
  const descendants = walk(db, model, "descendants", limit);
  const describe = ({ model: each, distance, via }: Step): LineageModel => ({
    model: each,
    cid: contentIdToCid(each),
    distance,
    via,
    acceptances: acceptancesOf(db, each, confirmed),
    records: selectRecords(db, { contentId: each, kind: "Model" }, confirmed, { limit: MAX_RECORDS }),
  });
  const own = describe({ model, distance: 0, via: [] });
  const known = [own.acceptances, own.records, ancestors.steps, descendants.steps].some(({ length }) => length > 0);
  if (!known) return undefined;
  return {
    model: own,
    ancestors: ancestors.steps.map(describe),
    descendants: descendants.steps.map(describe),
    truncated: ancestors.truncated || descendants.truncated,
    block: confirmed.block,
  };
}

/** Searches breadth first and visits each model once, so that it ends even if records claim circles. */
function walk(db: Database, start: Hex, side: Side, limit: number): { steps: Step[]; truncated: boolean } {
  const found = new Map<Hex, Step>();
  let level: readonly Hex[] = [start];
  let truncated = false;
  for (let distance = 1; level.length > 0; distance++) {
    const next: Hex[] = [];
    for (const from of level) {
      const links = linksOf(db, from, side);
      truncated ||= links.length > MAX_LINKS;
      for (const { model, by } of links.slice(0, MAX_LINKS)) {
        if (model === start) continue;
        const known = found.get(model);
        if (known !== undefined) {
          if (known.distance === distance) known.via.push({ model: from, by });
        } else if (found.size < limit) {
          found.set(model, { model, distance, via: [{ model: from, by }] });
          next.push(model);
        } else truncated = true;
      }
    }
    level = next;
  }
  return { steps: [...found.values()], truncated };
}

function linksOf(db: Database, model: Hex, side: Side): { model: Hex; by: "record" | "acceptance" }[] {
  const sql =
    side === "ancestors"
      ? `SELECT parent AS other, 'record' AS way FROM parents WHERE child = ?1
         UNION SELECT parent, 'acceptance' FROM acceptances WHERE model = ?1 AND parent IS NOT NULL LIMIT ?2`
      : `SELECT child AS other, 'record' AS way FROM parents WHERE parent = ?1
         UNION SELECT model, 'acceptance' FROM acceptances WHERE parent = ?1 LIMIT ?2`;
  return db
    .all<{ other: Uint8Array; way: "record" | "acceptance" }>(sql, blobOf(model), MAX_LINKS + 1)
    .map(({ other, way }) => ({ model: hexOfBlob(other), by: way }));
}

function acceptancesOf(db: Database, model: Hex, confirmed: Confirmations): Acceptance[] {
  interface Row {
    name: string;
    parent: Uint8Array | null;
    round: number;
    version: number;
    block: number;
    tx: Uint8Array;
    blockHash: Uint8Array;
    time: number;
  }
  const rows = db.all<Row>(
    `SELECT p.name AS name, p.parent AS parent, p.round AS round, p.version AS version, e.block AS block, e.tx AS tx,
            b.hash AS blockHash, b.time AS time
       FROM acceptances p JOIN events e ON e.slot = p.slot JOIN blocks b ON b.number = e.block
      WHERE p.model = ? ORDER BY p.slot`,
    blobOf(model),
  );
  return rows.map((row) => ({
    name: row.name,
    version: row.version,
    round: row.round,
    parent: row.parent === null ? null : hexOfBlob(row.parent),
    ...placeOf(row, confirmed),
  }));
}

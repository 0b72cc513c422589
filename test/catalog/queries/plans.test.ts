import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Database, openDatabase } from "../../../src/catalog/database/database.js";
import { buildIncidentSelect } from "../../../src/catalog/queries/incidentQuery.js";
import type { IncidentFilter, RecordFilter } from "../../../src/catalog/queries/query.js";
import { buildSelect, type Select } from "../../../src/catalog/queries/recordQuery.js";
import { NODE } from "../../records/samples.js";

let db: Database;
beforeAll(async () => {
  db = await openDatabase(":memory:");
});
afterAll(() => db.close());

const ID = `0x${"ab".repeat(32)}` as const;
const filters: Required<Omit<RecordFilter, "since" | "until" | "confirmed">> = {
  kind: "Incident",
  author: NODE,
  contentId: ID,
  status: "missing",
  severity: "high",
  fingerprint: ID,
  state: "HARMONIC",
  round: 3,
  name: "mnist",
  subject: "replica/web/3",
  text: "web down",
};
const names = Object.keys(filters) as (keyof typeof filters)[];

/** Every filter alone, every two of them, none and all. */
const combinations: RecordFilter[] = [
  {},
  filters,
  ...names.map((name) => ({ [name]: filters[name] })),
  ...names.flatMap((one, i) => names.slice(i + 1).map((two) => ({ [one]: filters[one], [two]: filters[two] }))),
];

function planOf({ sql, values }: Select): string[] {
  return db.all<{ detail: string }>(`EXPLAIN QUERY PLAN ${sql}`, ...values).map(({ detail }) => detail);
}

/** Reading a whole table, or sorting what was found: both grow with the store. A virtual table only has SCAN. */
const isSlow = (detail: string) =>
  /TEMP B-TREE/.test(detail) || (/^SCAN/.test(detail) && !/^SCAN texts VIRTUAL TABLE/.test(detail));

describe("plans", () => {
  it.each(combinations)("of records by %o lead by an index, in order", (filter) => {
    const plan = planOf(buildSelect(db, filter, { from: 5, to: 900 }, 50));
    expect(plan.filter(isSlow)).toEqual([]);
    expect(plan.length).toBeGreaterThan(3);
  });

  it.each<IncidentFilter>([
    {},
    { open: true },
    { kind: "replica-down" },
    { severity: "high" },
    { subject: "replica/web/3" },
    { open: true, severity: "high", kind: "replica-down", subject: "replica/web/3" },
  ])("of incidents by %o lead by an index, in order", (filter) => {
    expect(planOf(buildIncidentSelect(filter, 900, 50)).filter(isSlow)).toEqual([]);
  });

  it("are told from slow ones by this test", () => {
    expect(planOf({ sql: "SELECT * FROM records WHERE reason = ?", values: ["x"] }).filter(isSlow)).toHaveLength(1);
    expect(planOf({ sql: "SELECT * FROM records ORDER BY reason", values: [] }).filter(isSlow)).toHaveLength(2);
  });
});

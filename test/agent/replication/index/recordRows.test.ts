import { beforeEach, describe, expect, it } from "vitest";
import type { ListedRecord } from "../../../../src/agent/replication/index/indexedRecord.js";
import { RecordRows } from "../../../../src/agent/replication/index/recordRows.js";
import { INDEX_FILE } from "../../../../src/agent/replication/index/tables.js";
import { type Database, openDatabase } from "../../../../src/catalog/database/database.js";
import { idOf } from "../../../records/samples.js";

const ALICE = `0x${"a1".repeat(20)}`;
const BOB = `0x${"b0".repeat(20)}`;
const QUOTA = { bytes: 1_000, records: 3 };
const FAR = 1_000;

let db: Database;
let rows: RecordRows;
beforeEach(async () => {
  db = await openDatabase(":memory:", INDEX_FILE);
  rows = new RecordRows(db, QUOTA);
});

const listed = (name: string, change: Partial<ListedRecord> = {}): ListedRecord => ({
  ...{ contentId: idOf(name), kind: "State", isJoint: false, author: ALICE, block: 1, isHeld: false },
  ...change,
});
function add(name: string, change: Partial<ListedRecord> = {}) {
  rows.addAccounts([ALICE, BOB]);
  const added = rows.add(listed(name, change));
  if (added !== undefined) rows.assign(added, true);
  const found = rows.find(idOf(name));
  if (found === undefined) throw new Error(`${name} was not added`);
  return found;
}
const names = (found: readonly { readonly contentId: string }[], of: readonly string[]) =>
  of.filter((name) => found.some(({ contentId }) => contentId === idOf(name)));

describe("the quota of an author", () => {
  it("ends at so many records and at so many bytes, and another author's is its own", () => {
    const first = add("first");
    expect([rows.hasRoom(first, 1_000), rows.hasRoom(first, 1_001)]).toEqual([true, false]);
    rows.hold(first, 900);
    const second = add("second");
    expect([rows.hasRoom(second, 100), rows.hasRoom(second, 101)]).toEqual([true, false]);
    rows.hold(second, 10);
    rows.hold(add("third"), 10);
    expect(rows.hasRoom(add("fourth"), 0)).toBe(false);
    expect(rows.hasRoom(add("his", { author: BOB }), 1_000)).toBe(true);
  });

  it("counts a record of several authors once, on the one who has room", () => {
    for (const name of ["a", "b", "c"]) rows.hold(add(name), 1);
    add("shared");
    const shared = add("shared", { author: BOB });
    expect(shared.authors).toEqual(new Set([ALICE, BOB]));
    rows.hold(shared, 1_000);
    expect(rows.hasRoom(add("his", { author: BOB }), 1)).toBe(false);
  });

  it("makes room when a record is released, and what was refused is missing again", () => {
    const held = ["a", "b", "c"].map((name) => add(name));
    for (const record of held) rows.hold(record, 1);
    const refused = add("refused", { block: 7 });
    rows.refuse(refused);
    expect(rows.missing(0, FAR)).toEqual([]);
    expect(rows.refusedSince()).toEqual([{ author: ALICE, block: 7 }]);
    rows.release(held[0] as (typeof held)[number]);
    expect(rows.refusedSince()).toEqual([]);
    expect(names(rows.missing(0, FAR), ["a", "refused"])).toEqual(["a", "refused"]);
    expect(rows.hasRoom(refused, 1)).toBe(true);
  });

  it("is as full as before when the file is opened again, and as what is pinned then", () => {
    for (const name of ["a", "b", "c"]) rows.hold(add(name), 300);
    rows = new RecordRows(db, QUOTA);
    expect(rows.hasRoom(add("d"), 0)).toBe(false);
    rows.holdExactly(`content_id = x'${idOf("a").slice(2)}'`);
    expect([rows.hasRoom(add("d"), 700), rows.hasRoom(add("d"), 701)]).toEqual([true, false]);
    expect(names(rows.missing(0, FAR), ["a", "b", "c"])).toEqual(["b", "c"]);
  });

  it("counts the replicas that an index built anew finds pinned", () => {
    add("found", { isHeld: true, replicaBytes: 950 });
    add("own", { isHeld: true });
    expect([rows.hasRoom(add("d"), 50), rows.hasRoom(add("d"), 51)]).toEqual([true, false]);
  });
});

describe("records whose time is over", () => {
  const STATE = 0;

  it("are those of their kind, or of states where a joint anchor alone lists them", () => {
    add("old", { block: 2 });
    add("joint model", { kind: "Model", isJoint: true, block: 2 });
    add("model", { kind: "Model", block: 2 });
    // Its author has anchored it alone, too.
    add("both", { kind: "Model", isJoint: true, block: 2 });
    add("both", { kind: "Model", block: 3 });
    rows.markPast(STATE, 2, FAR);
    rows.markExpired([], FAR);
    const expired = rows.pageById(0, FAR).filter(({ isExpired }) => isExpired);
    expect(names(expired, ["old", "joint model", "model", "both"])).toEqual(["old", "joint model"]);
  });

  it("are kept on hold with the manifests that list them, and expire when the hold ends", () => {
    const joint = { isJoint: true, block: 2 } as const;
    add("manifest", { kind: "Manifest", ...joint });
    for (const name of ["a", "b"]) {
      add(name, joint);
      rows.addLeaf(idOf("manifest"), idOf(name));
    }
    const expired = (onHold: readonly string[]) => {
      rows.markPast(STATE, 2, FAR);
      rows.markExpired(onHold.map(idOf), FAR);
      return names(
        rows.pageById(0, FAR).filter(({ isExpired }) => isExpired),
        ["manifest", "a", "b"],
      );
    };
    expect(expired(["a"])).toEqual(["b"]);
    expect(expired([])).toEqual(["manifest", "a", "b"]);
    expect(expired(["b"])).toEqual(["a"]);
  });

  it("are forgotten with all that is known of them, once this node has let go of them", () => {
    const held = add("held", { isJoint: true, isHeld: true });
    add("manifest", { kind: "Manifest", isJoint: true });
    add("gone", { isJoint: true });
    rows.addLeaf(idOf("manifest"), idOf("gone"));
    add("incident", { kind: "Incident" });
    for (const rule of [0, 2]) rows.markPast(rule, 5, FAR);
    rows.markExpired([], FAR);
    rows.forget(0, FAR);
    expect(rows.pageById(0, FAR)).toHaveLength(4);
    rows.forget(5, FAR);
    expect(names(rows.pageById(0, FAR), ["held", "manifest", "gone", "incident"])).toEqual(["held", "incident"]);
    rows.release(held);
    rows.forget(5, FAR);
    expect(names(rows.pageById(0, FAR), ["held", "incident"])).toEqual(["incident"]);
    const left = ["authors", "leaves"].map((table) => db.get<{ n: number }>(`SELECT count(*) AS n FROM ${table}`)?.n);
    expect(left).toEqual([1, 0]);
  });
});

it("reads a bounded number of rows each time, from an index and without sorting", () => {
  const plans = [
    "SELECT id FROM records WHERE mine = 1 AND held = 0 AND expired = 0 AND refused = 0 AND retry_at <= 5 ORDER BY block, id LIMIT 9",
    "SELECT id FROM records WHERE mine = 0 AND held = 1 AND past = 0 AND id > 5 ORDER BY id LIMIT 9",
    "SELECT id FROM records WHERE (block, id) > (5, 5) ORDER BY block, id LIMIT 9",
    "SELECT id FROM records WHERE rule = 0 AND past = 0 AND block <= 5 LIMIT 9",
    "SELECT id FROM records WHERE rule = 0 AND past = 1 AND block > 5 LIMIT 9",
    "SELECT id FROM records WHERE expired = 1 AND held = 0 AND rule = 0 AND block <= 5 LIMIT 9",
    "SELECT id FROM records WHERE expired = 1 AND held = 1 AND kind < 4 ORDER BY id LIMIT 9",
    "SELECT id FROM records WHERE kind = 1 AND held = 1 AND id > 5 ORDER BY id LIMIT 9",
  ];
  for (const sql of plans) {
    const plan = db.all<{ detail: string }>(`EXPLAIN QUERY PLAN ${sql}`).map(({ detail }) => detail);
    expect(plan.join()).toMatch(/USING (COVERING )?INDEX records_|models_held/);
    if (!sql.includes("kind < 4")) expect(plan.join()).not.toContain("TEMP B-TREE");
  }
});

import { beforeEach, describe, expect, it } from "vitest";
import type { Database } from "../../../src/catalog/database/database.js";
import { readProgress } from "../../../src/catalog/database/meta.js";
import { BATCHES } from "../../../src/catalog/database/schema.js";
import { rollBack } from "../../../src/catalog/sync/rollback.js";
import { firstSlotAbove } from "../../../src/catalog/sync/slots.js";
import { encodeName, NO_CONTENT } from "../../../src/ports/chain/index.js";
import { anchorOf, DEPLOYED_AT, openRows, reportOf, writeAnchors, writeEvents } from "../../harness/catalogRows.js";
import { enacted, issued } from "../../harness/directives.js";
import { eventOf } from "../../harness/events.js";
import { idOf, model, NODE, OTHER } from "../../records/samples.js";

const TABLES = [
  ...["blocks", "journal", "anchors", "joints", "agents", "events", "evidence", "acceptances", "contents"],
  ...["records", "subjects", "parents", "resolutions", "incidents"],
];
/** All that a catalog holds, but for the numbers of contents, which nobody sees. */
const dump = (db: Database) =>
  Object.fromEntries(
    TABLES.map((table) => [
      table,
      db
        .all(`SELECT * FROM ${table}`)
        .map(({ id: _id, content: _content, ...row }) => JSON.stringify(row))
        .sort(),
    ]),
  );
const undo = (db: Database, block: number) => db.transaction(() => rollBack(db, { block, head: 20, finalized: null }));

const report = reportOf("replica/a");
/** What a chain says up to its fifth block. */
function writeStart(db: Database): void {
  const anchor = anchorOf(1, [report, { kind: "Model", value: model }]);
  const cited = anchor.leaves.slice(0, 1).map(({ contentId }) => contentId);
  writeAnchors(db, [anchor, anchorOf(2, [reportOf("replica/b")], { author: OTHER })]);
  writeEvents(db, [issued("a", 3, cited)], 5);
}
/** What it says above, of every kind of event. */
function writeMore(db: Database): void {
  const accepted = { name: encodeName("m"), model: idOf("m"), parent: NO_CONTENT, round: 1n, version: 1n };
  const joint = { root: idOf("joint"), epoch: 1n, batches: 1n, manifest: idOf("list"), deadline: 60n, authors: [1n] };
  const admitted = { index: 9n, operator: NODE, agent: NODE, epoch: 1n };
  writeEvents(db, [enacted("a", 6), issued("b", 7, [idOf("record")])]);
  writeAnchors(db, [
    anchorOf(8, [report], { author: OTHER }),
    anchorOf(9, [reportOf("replica/c"), { kind: "Model", value: { ...model, round: 4, parents: [idOf("other")] } }]),
  ]);
  writeEvents(db, [
    eventOf("ModelAccepted", accepted, { blockNumber: 10 }),
    eventOf("JointlyAnchored", joint, { blockNumber: 11 }),
    eventOf("NodeAdmitted", admitted, { blockNumber: 12 }),
  ]);
}

let db: Database;
beforeEach(async () => {
  db = await openRows();
  writeStart(db);
});

describe("a rollback", () => {
  it("leaves what a catalog holds that has never read further", () => {
    const before = dump(db);
    writeMore(db);
    const changed = TABLES.filter((table) => before[table]?.join() !== dump(db)[table]?.join());
    expect(changed).toEqual(TABLES);
    undo(db, 5);
    expect(dump(db)).toEqual(before);
    expect(readProgress(db, DEPLOYED_AT)).toEqual({ block: 5, head: 20, finalized: null });
  });

  it("opens a trouble again whose end it takes back", () => {
    writeEvents(db, [enacted("a", 6)]);
    const open = () => db.get<{ open: number }>("SELECT open FROM incidents WHERE subject = 'replica/a'")?.open;
    expect(open()).toBe(0);
    undo(db, 5);
    expect(open()).toBe(1);
  });

  it("keeps a content that is listed below too, and what is said of it", () => {
    writeAnchors(db, [anchorOf(6, [report], { author: OTHER })]);
    undo(db, 5);
    expect(db.all("SELECT 1 FROM records")).toHaveLength(3);
    expect(db.all("SELECT 1 FROM contents WHERE status = 1")).toHaveLength(3);
  });

  it("forgets the words of what it takes back", () => {
    writeAnchors(db, [anchorOf(6, [reportOf("replica/vanishing")])]);
    const found = () => db.all("SELECT rowid FROM texts WHERE texts MATCH 'text : (vanishing)'").length;
    expect(found()).toBe(1);
    undo(db, 5);
    expect(found()).toBe(0);
  });

  it("changes nothing where nothing stands above, and can take back everything", () => {
    const before = dump(db);
    undo(db, 5);
    expect(dump(db)).toEqual(before);
    undo(db, 0);
    expect(Object.values(dump(db)).flat()).toEqual([]);
  });

  it("lets the next events have the numbers that it freed", () => {
    writeMore(db);
    undo(db, 5);
    writeEvents(db, [issued("c", 6, [])]);
    expect(db.get("SELECT max(slot) AS slot FROM events")).toEqual({ slot: 4 * BATCHES });
  });
});

it("finds the first slot above a block among anchors, joint anchors and events", () => {
  writeMore(db);
  expect([0, 1, 2, 5, 7, 10, 12].map((block) => firstSlotAbove(db, block))).toEqual([
    ...[1, 2, 3, 4, 6, 9].map((slot) => slot * BATCHES),
    undefined,
  ]);
});

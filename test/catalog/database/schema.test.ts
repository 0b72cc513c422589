import { DatabaseSync } from "node:sqlite";
import { expect, it, onTestFinished } from "vitest";
import { BATCHES, fullTextTable, PLACES, tables } from "../../../src/catalog/database/schema.js";
import { MAX_BATCH_LEAVES, MAX_JOINT_BATCHES } from "../../../src/records/index.js";

function created(): DatabaseSync {
  const db = new DatabaseSync(":memory:");
  onTestFinished(() => db.close());
  db.exec(tables);
  return db;
}

it("leaves a place for every record of a batch, and a slot for every batch of a joint anchor", () => {
  expect(PLACES).toBeGreaterThanOrEqual(MAX_BATCH_LEAVES);
  expect(BATCHES).toBeGreaterThan(MAX_JOINT_BATCHES);
});

it("numbers a hundred million events within the integers that are exact", () => {
  expect(Number.isSafeInteger(1e8 * BATCHES * PLACES)).toBe(true);
});

it("holds one row for a slot, a position and a content", () => {
  const db = created();
  const block = "INSERT INTO blocks (number, hash, time) VALUES (1, x'00', 0)";
  const content = "INSERT INTO contents (content_id, status, attempts, due) VALUES (x'00', 0, 0, 0)";
  const record = "INSERT INTO records (position, content, kind, author, status) VALUES (1, 1, 0, x'00', 0)";
  for (const sql of [block, content, record]) {
    db.exec(sql);
    expect(() => db.exec(sql)).toThrow(/UNIQUE/);
  }
});

it("finds words by an author's tag, and lets a row go without its text", () => {
  const db = created();
  db.exec(fullTextTable);
  db.exec("INSERT INTO texts (rowid, text, tags) VALUES (7, 'the web is down', 'kind2')");
  const found = () => db.prepare("SELECT rowid FROM texts WHERE texts MATCH ?").all('text : (web) AND tags : "kind2"');
  expect(found()).toEqual([{ rowid: 7 }]);
  db.exec("DELETE FROM texts WHERE rowid = 7");
  expect(found()).toEqual([]);
});

import { DatabaseSync } from "node:sqlite";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { fullTextTable } from "../../../src/catalog/database/schema.js";
import { matchOf, type SearchScope, tagsOf } from "../../../src/catalog/queries/words.js";
import { NODE, OTHER } from "../../records/samples.js";

let db: DatabaseSync;
beforeAll(() => {
  db = new DatabaseSync(":memory:");
  db.exec(fullTextTable);
  const insert = db.prepare("INSERT INTO texts (rowid, text, tags) VALUES (?, ?, ?)");
  insert.run(1, "replica web is down", tagsOf({ author: NODE, kind: "Incident" }).join(" "));
  insert.run(2, "web restarted; NEAR the end", tagsOf({ author: OTHER, kind: "Outcome" }).join(" "));
});
afterAll(() => db.close());

const found = (text: string, scope?: SearchScope) =>
  db
    .prepare("SELECT rowid FROM texts WHERE texts MATCH ? ORDER BY rowid")
    .all(matchOf(text, scope))
    .map(({ rowid }) => rowid);

describe("words that somebody typed", () => {
  it("are found together, in any order and case", () => {
    expect(found("web")).toEqual([1, 2]);
    expect(found("DOWN web")).toEqual([1]);
    expect(found("web nowhere")).toEqual([]);
  });

  it("are found by their beginning where they end with a star", () => {
    expect(found("rest")).toEqual([]);
    expect(found("rest*")).toEqual([2]);
    expect(found("repl* dow*")).toEqual([1]);
  });

  it("are words, also where FTS5 has a meaning for them", () => {
    expect(found("near")).toEqual([2]);
    expect(found("web OR down")).toEqual([]);
    expect(found("NOT web")).toEqual([]);
    expect(found("tags:kind2")).toEqual([]);
  });

  it("find nothing where there are none", () => {
    expect([found(""), found(" * "), found("\0")]).toEqual([[], [], []]);
  });

  it("never break the query, whatever they are", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", maxLength: 40 }), (text) => {
        expect(() => found(text)).not.toThrow();
      }),
    );
    const hostile = fc.string({ unit: fc.constantFrom('"', "*", "(", ")", ":", "^", "-", " ", "a"), maxLength: 12 });
    fc.assert(
      fc.property(hostile, (text) => {
        expect(() => found(text)).not.toThrow();
      }),
    );
  });
});

it("searches within an author and a kind, which no text can pretend to be", () => {
  expect(found("web", { author: NODE })).toEqual([1]);
  expect(found("web", { author: NODE.toLowerCase(), kind: "Incident" })).toEqual([1]);
  expect(found("web", { author: NODE, kind: "Outcome" })).toEqual([]);
  expect(found(tagsOf({ kind: "Incident" }).join(" "))).toEqual([]);
});

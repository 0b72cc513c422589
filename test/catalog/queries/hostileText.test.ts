import fc from "fast-check";
import { beforeEach, expect, it } from "vitest";
import type { Database } from "../../../src/catalog/database/database.js";
import { parseRecordQuery } from "../../../src/catalog/index.js";
import { selectRecords } from "../../../src/catalog/queries/recordQuery.js";
import { InvalidInputError } from "../../../src/errors.js";
import { anyText, DECEPTIVE, HONEST } from "../../faults/hostileText.js";
import { anchorOf, openRows, reportOf, writeAnchors } from "../../harness/catalogRows.js";

const now = { block: 9, through: 5 };
const label = "subject with 日本語 and <b> in it";
let db: Database;
beforeEach(async () => {
  db = await openRows();
  writeAnchors(db, [anchorOf(2, [reportOf("replica/a"), reportOf(label)])], 9);
});

it("searches for any text, or refuses it, and never takes it for a query of its own", () => {
  fc.assert(
    fc.property(anyText(), (text) => {
      try {
        selectRecords(db, parseRecordQuery({ text, name: text, subject: text }), now, { limit: 5 });
        selectRecords(db, parseRecordQuery({ text }), now, { limit: 5 });
      } catch (error) {
        expect(error).toBeInstanceOf(InvalidInputError);
      }
    }),
  );
  for (const text of [...Object.values(DECEPTIVE), ...HONEST, '" OR text : *', "NEAR(a b)", "text:a", "日本語"]) {
    expect(() => selectRecords(db, parseRecordQuery({ text }), now, { limit: 5 })).not.toThrow();
  }
});

it("finds what is there", () => {
  expect(selectRecords(db, parseRecordQuery({ subject: label }), now, { limit: 5 })).toHaveLength(1);
});

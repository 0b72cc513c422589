import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { cursorOf, positionBelow } from "../../../src/catalog/database/cursor.js";
import { BATCHES, PLACES } from "../../../src/catalog/database/schema.js";
import { rollBack } from "../../../src/catalog/sync/rollback.js";
import { anchorOf, openRows, reportOf, writeEvents } from "../../harness/catalogRows.js";

/** The position of the n-th event's record at a place, where events are numbered from 1. */
const position = (event: number, place = 0, batch = 0) => (event * BATCHES + batch) * PLACES + place;

async function rowsIn(...blocks: number[]) {
  const db = await openRows();
  writeEvents(
    db,
    blocks.map((block) => anchorOf(block, [reportOf(`replica/${block}`)]).event),
  );
  return db;
}

describe("a cursor", () => {
  it("names block, log, batch and place", () => {
    expect(cursorOf(position(1, 5, 3), 77, 2)).toBe("77-2-3-5");
  });

  it("leads back to its own position, at every place of every batch", async () => {
    const db = await rowsIn(2, 4);
    fc.assert(
      fc.property(fc.nat(PLACES - 1), fc.nat(9_999), (place, batch) => {
        expect(positionBelow(db, cursorOf(position(2, place, batch), 4, 0))).toBe(position(2, place, batch));
      }),
    );
  });

  it("leads to what comes after it where its own event has left the chain", async () => {
    const db = await rowsIn(2, 4);
    expect(positionBelow(db, "3-0-0-7")).toBe(position(2));
    expect(positionBelow(db, "2-1-0-7")).toBe(position(2));
  });

  it("leads to what comes after it in the same block", async () => {
    const db = await openRows();
    writeEvents(
      db,
      [0, 5].map((log) => anchorOf(2, [reportOf(`replica/${log}`)], { log }).event),
    );
    expect(positionBelow(db, "2-1-0-7")).toBe(position(2));
    expect(positionBelow(db, "2-5-0-7")).toBe(position(2, 7));
  });

  it("leads below all there is where nothing comes after it", async () => {
    const db = await rowsIn(2, 4);
    expect(positionBelow(db, "5-0-0-0")).toBeUndefined();
    expect(positionBelow(await openRows(), "2-0-0-0")).toBeUndefined();
  });

  it("names the same place after a rollback by which events were numbered anew", async () => {
    const db = await rowsIn(2, 4);
    const cursor = cursorOf(position(2, 1), 4, 0);
    db.transaction(() => rollBack(db, { block: 2, head: 4, finalized: null }));
    writeEvents(
      db,
      [3, 4].map((block) => anchorOf(block, [reportOf(`other/${block}`)]).event),
    );
    expect(positionBelow(db, cursor)).toBe(position(3, 1));
  });
});

it.each(["", "1-2-3", "1-2-3-4-5", "-1-0-0-0", "1-0-0-x", " 1-0-0-0", "1-0-0-0\n", "99999999999-0-0-0", "1-0-0-10000"])(
  "refuses what is no cursor: %j",
  async (cursor) => {
    const db = await openRows();
    expect(() => positionBelow(db, cursor)).toThrow(expect.objectContaining({ code: "invalid-input" }));
  },
);

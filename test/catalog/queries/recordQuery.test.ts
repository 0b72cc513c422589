import { beforeEach, describe, expect, it } from "vitest";
import type { Database } from "../../../src/catalog/database/database.js";
import type { RecordFilter } from "../../../src/catalog/queries/query.js";
import { pageOfRecords, selectRecords } from "../../../src/catalog/queries/recordQuery.js";
import { rollBack } from "../../../src/catalog/sync/rollback.js";
import {
  type AnchoredRows,
  anchorOf,
  openRows,
  reportOf,
  takeIn,
  writeAnchors,
  writeEvents,
} from "../../harness/catalogRows.js";
import { headerOf } from "../../harness/events.js";
import { model, NODE, OTHER, outcome, state } from "../../records/samples.js";

const now = { block: 9, through: 5 };
let db: Database;
let anchors: readonly AnchoredRows[];
beforeEach(async () => {
  db = await openRows();
  anchors = [
    anchorOf(2, [{ kind: "State", value: state }, reportOf("replica/a", { severity: "low" })]),
    anchorOf(4, [{ kind: "Model", value: model }, reportOf("replica/b", { severity: "critical" })], { author: OTHER }),
    anchorOf(6, [{ kind: "Outcome", value: outcome }, reportOf("replica/a", { severity: "high" })]),
  ];
  writeAnchors(db, anchors, 9);
});

/** Block and place of each record that a filter lets through, in order. */
const placesOf = (filter: RecordFilter, limit = 50) =>
  selectRecords(db, filter, now, { limit }).map(({ cursor }) => cursor.replace(/-0-0-/, "/"));

describe("records", () => {
  it("come newest first, with what is known of them", () => {
    expect(placesOf({})).toEqual(["6/1", "6/0", "4/1", "4/0", "2/1", "2/0"]);
    const [newest] = selectRecords(db, {}, now, { limit: 1 });
    const { event, encoded, root, manifest } = anchors[2] as AnchoredRows;
    expect(newest).toMatchObject({
      ...{ kind: "Incident", author: NODE, status: "verified", reason: null, cid: encoded[1]?.cid, cursor: "6-0-0-1" },
      anchor: {
        ...{ root, sequence: 1, manifest: manifest.cid, joint: null, transactionHash: event.transactionHash },
        ...{ blockNumber: 6, blockHash: headerOf(6).hash, time: headerOf(6).time, confirmations: 4, confirmed: false },
      },
    });
  });

  it.each<[RecordFilter, string[]]>([
    [{ kind: "Incident" }, ["6/1", "4/1", "2/1"]],
    [{ author: OTHER }, ["4/1", "4/0"]],
    [{ author: NODE, kind: "Incident" }, ["6/1", "2/1"]],
    [{ severity: "critical" }, ["4/1"]],
    [{ author: NODE, severity: "critical" }, []],
    [{ state: "HARMONIC" }, ["2/0"]],
    [{ state: "CHAOTIC" }, []],
    [{ round: 3 }, ["4/0"]],
    [{ name: "mnist" }, ["4/0"]],
    [{ subject: "replica/a" }, ["6/1", "2/1"]],
    [{ subject: "replica/a", kind: "Outcome" }, []],
    [{ subject: "model/mnist" }, ["4/0"]],
    [{ text: "SIGKILL" }, ["6/1", "4/1", "2/1"]],
    [{ text: "SIGKILL", author: OTHER }, ["4/1"]],
    [{ text: "restarted", kind: "Outcome" }, ["6/0"]],
    [{ status: "verified", kind: "State" }, ["2/0"]],
    [{ status: "invalid" }, []],
    [{ since: headerOf(4).time }, ["6/1", "6/0", "4/1", "4/0"]],
    [{ until: headerOf(4).time }, ["2/1", "2/0"]],
    [{ since: headerOf(3).time, until: headerOf(5).time }, ["4/1", "4/0"]],
    [{ since: headerOf(7).time }, []],
    [{ confirmed: true }, ["4/1", "4/0", "2/1", "2/0"]],
    [{ confirmed: false }, ["6/1", "6/0", "4/1", "4/0", "2/1", "2/0"]],
  ])("are those that %j lets through", (filter, places) => {
    expect(placesOf(filter)).toEqual(places);
  });

  it("are found by ContentId and by fingerprint, alone and with other filters", () => {
    const { contentId } = anchors[0]?.leaves[1] ?? { contentId: "0x" as const };
    const [first] = selectRecords(db, { contentId }, now, { limit: 9 });
    expect(first?.cursor).toBe("2-0-0-1");
    const fingerprint = first?.fingerprint ?? "0x";
    expect(placesOf({ fingerprint })).toEqual(["6/1", "2/1"]);
    expect(placesOf({ fingerprint, subject: "replica/a", severity: "high" })).toEqual(["6/1"]);
    expect(placesOf({ contentId, kind: "State" })).toEqual([]);
    expect(placesOf({ contentId, text: "SIGKILL" })).toEqual(["2/1"]);
    expect(placesOf({ contentId, text: "nothing" })).toEqual([]);
  });

  it("are not said to be anything until they are verified", () => {
    const unread = anchorOf(10, [reportOf("replica/c")]);
    writeEvents(db, [unread.event]);
    takeIn(db, [{ ...unread, records: [], encoded: [] }]);
    const [listed] = selectRecords(db, { status: "listed" }, now, { limit: 9 });
    expect(listed).toMatchObject({ kind: "Incident", value: null, fingerprint: null });
    expect(placesOf({ subject: "replica/c" })).toEqual([]);
  });
});

describe("a page", () => {
  it("leads to the next, until all have been shown once", () => {
    const shown: string[] = [];
    let cursor: string | null | undefined;
    do {
      const page = pageOfRecords(db, cursor == null ? {} : { cursor }, now, 4);
      shown.push(...page.records.map((each) => each.cursor));
      cursor = page.cursor;
    } while (cursor !== null);
    expect(shown).toEqual(selectRecords(db, {}, now, { limit: 50 }).map((each) => each.cursor));
  });

  it("has no cursor where nothing is left", () => {
    expect(pageOfRecords(db, {}, now, 6).cursor).toBeNull();
    expect(pageOfRecords(db, {}, now, 5).cursor).not.toBeNull();
    expect(pageOfRecords(db, { cursor: "2-0-0-0" }, now, 5)).toEqual({ records: [], cursor: null });
  });

  it("goes on where it was after a rollback took what stood above it", () => {
    const { cursor } = pageOfRecords(db, {}, now, 3);
    db.transaction(() => rollBack(db, { block: 5, head: 9, finalized: null }));
    expect(pageOfRecords(db, { cursor: cursor ?? "" }, now, 3).records.map((each) => each.cursor)).toEqual([
      ...["4-0-0-0", "2-0-0-1", "2-0-0-0"],
    ]);
  });

  it("is refused with what is no cursor", () => {
    expect(() => pageOfRecords(db, { cursor: "newest" }, now, 3)).toThrow(
      expect.objectContaining({ code: "invalid-input" }),
    );
  });
});

it("looks at one position only where one is asked for, within the filter", () => {
  const [newest] = db.all<{ position: number }>("SELECT position FROM records ORDER BY position DESC LIMIT 1");
  const at = newest?.position;
  expect(selectRecords(db, {}, now, { limit: 1, at })[0]?.cursor).toBe("6-0-0-1");
  expect(selectRecords(db, { confirmed: true }, now, { limit: 1, at })).toEqual([]);
  expect(selectRecords(db, { kind: "State" }, now, { limit: 1, at })).toEqual([]);
});

it("refuses to search for words where SQLite cannot", () => {
  const without = { ...db, hasFullText: false };
  expect(() => selectRecords(without, { text: "web" }, now, { limit: 1 })).toThrow(
    expect.objectContaining({ code: "catalog-no-full-text" }),
  );
  expect(selectRecords(without, { kind: "State" }, now, { limit: 1 })).toHaveLength(1);
});

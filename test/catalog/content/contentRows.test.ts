import { beforeEach, describe, expect, it } from "vitest";
import { dueAnchors, postponeContent } from "../../../src/catalog/content/awaited.js";
import { type AwaitedAnchor, type CheckedContent, ContentWriter } from "../../../src/catalog/content/contentRows.js";
import type { Database } from "../../../src/catalog/database/database.js";
import { RecordStatus } from "../../../src/catalog/status.js";
import { rollBack } from "../../../src/catalog/sync/rollback.js";
import type { NewRecord } from "../../../src/client/index.js";
import { type AnchoredRows, anchorOf, openRows, reportOf, takeIn, writeEvents } from "../../harness/catalogRows.js";
import { idOf, model, NODE, OTHER, state } from "../../records/samples.js";

let db: Database;
beforeEach(async () => {
  db = await openRows();
});

/** Writes what one transaction learns. Returns the types of what changed. */
function write(work: (writer: ContentWriter) => void): string[] {
  const writer = new ContentWriter(db);
  db.transaction(() => {
    work(writer);
    writer.finish();
  });
  return writer.touched.map(({ type }) => type);
}
const dueOf = (anchor: AnchoredRows) =>
  dueAnchors(db, 0, 100).find(({ root, author }) => root === anchor.root && author === anchor.author) as AwaitedAnchor;
const list = (anchor: AnchoredRows) => write((writer) => writer.listRecords(dueOf(anchor), anchor.leaves));
const check = (anchor: AnchoredRows, checked: CheckedContent = anchor.records[0] as NewRecord) =>
  write((writer) => writer.writeContent(anchor.leaves[0]?.contentId ?? "0x", checked));
const records = () => db.all("SELECT status, reason FROM records ORDER BY position").map((row) => ({ ...row }));
const { invalid, listed, missing, verified } = RecordStatus;

describe("a manifest", () => {
  it("lists its records, each at its place, and is not asked for again", () => {
    const anchor = anchorOf(1, [reportOf("a"), reportOf("b")]);
    writeEvents(db, [anchor.event]);
    expect(list(anchor)).toEqual(["listed", "listed"]);
    expect(records()).toEqual([
      { status: listed, reason: null },
      { status: listed, reason: null },
    ]);
    expect(dueOf(anchor)).toBeUndefined();
  });

  it("is listed once, however often it is read", () => {
    const anchor = anchorOf(1, [reportOf("a")]);
    writeEvents(db, [anchor.event]);
    const due = dueOf(anchor);
    const twice = (writer: ContentWriter) => {
      for (const _time of [1, 2]) writer.listRecords(due, anchor.leaves);
    };
    expect(write(twice)).toEqual(["listed"]);
    expect(write((writer) => writer.refuse(due, "another reading failed"))).toEqual([]);
    expect(db.get("SELECT status, reason FROM anchors")).toEqual({ status: 1, reason: null });
  });

  it("is refused for good, with its reason", () => {
    const anchor = anchorOf(1, [reportOf("a")]);
    writeEvents(db, [anchor.event]);
    write((writer) => writer.refuse(dueOf(anchor), "it is another's"));
    expect(db.get("SELECT status, reason FROM anchors")).toEqual({ status: 2, reason: "it is another's" });
    expect(dueOf(anchor)).toBeUndefined();
  });

  it("is passed over where a rollback gave its slot to another anchor meanwhile", () => {
    const [lost, other] = [anchorOf(1, [reportOf("a")]), anchorOf(1, [reportOf("b")])];
    writeEvents(db, [lost.event]);
    const due = dueOf(lost);
    db.transaction(() => rollBack(db, { block: 0, head: 1, finalized: null }));
    writeEvents(db, [other.event]);
    expect(write((writer) => writer.listRecords(due, lost.leaves))).toEqual([]);
    expect([records(), dueOf(other).slot]).toEqual([[], due.slot]);
  });
});

describe("a record's bytes", () => {
  it("verify it under all anchors that list it, also those that are read later", () => {
    const [first, second, third] = [NODE, OTHER, NODE].map((author, i) =>
      anchorOf(i + 1, [reportOf("a"), ...(i === 2 ? [reportOf("b")] : [])], { author }),
    ) as [AnchoredRows, AnchoredRows, AnchoredRows];
    writeEvents(db, [first.event, second.event, third.event]);
    list(first);
    list(second);
    expect(check(first)).toEqual(["verified", "verified"]);
    expect(list(third)).toEqual(["listed", "verified", "listed"]);
    expect(records().map(({ status }) => status)).toEqual([verified, verified, verified, listed]);
  });

  it("are looked at once: what they say never changes", () => {
    const anchor = anchorOf(1, [reportOf("a")]);
    writeEvents(db, [anchor.event]);
    list(anchor);
    check(anchor);
    expect(check(anchor, { kind: undefined, reason: "it is no record" })).toEqual([]);
    expect(records()).toMatchObject([{ status: verified }]);
  });

  it("are known as missing to anchors that are read after they were asked for in vain", () => {
    const [first, second] = [anchorOf(1, [reportOf("a")]), anchorOf(2, [reportOf("a")], { author: OTHER })];
    writeEvents(db, [first.event, second.event]);
    list(first);
    postponeContent(db, first.leaves[0]?.contentId ?? "0x", 0, "away", 0);
    list(second);
    expect(records().map(({ status }) => status)).toEqual([missing, missing]);
  });

  it("make no record where they are none", () => {
    const anchor = anchorOf(1, [reportOf("a")]);
    writeEvents(db, [anchor.event]);
    list(anchor);
    expect(check(anchor, { kind: undefined, reason: "no dag-cbor" })).toEqual(["invalid"]);
    expect(records()).toEqual([{ status: invalid, reason: "its bytes are no record" }]);
    expect(db.get("SELECT status, reason FROM contents")).toEqual({ status: 2, reason: "no dag-cbor" });
  });

  it("make no record of another kind than it is listed as", () => {
    const anchor = anchorOf(1, [reportOf("a")]);
    writeEvents(db, [anchor.event]);
    list(anchor);
    check(anchor, { kind: "State", value: state });
    expect(records()).toEqual([{ status: invalid, reason: "it is listed as Incident and is State" }]);
  });

  it("speak for their node alone: the same state is valid by it and invalid by another", () => {
    const own = anchorOf(1, [{ kind: "State", value: state }]);
    const foreign = anchorOf(2, [{ kind: "State", value: state }], { author: OTHER });
    writeEvents(db, [own.event, foreign.event]);
    expect(takeIn(db, [own, foreign]).map(({ type }) => type)).toEqual(["listed", "listed", "verified", "invalid"]);
    expect(records()).toEqual([
      { status: verified, reason: null },
      { status: invalid, reason: `it speaks for ${NODE}` },
    ]);
  });

  it("name the parents of a model, once, and nothing of another kind does", () => {
    const anchor = anchorOf(1, [{ kind: "Model", value: { ...model, parents: [idOf("parent")] } }, reportOf("a")]);
    writeEvents(db, [anchor.event]);
    takeIn(db, [anchor]);
    takeIn(db, [anchor]);
    expect(db.all("SELECT 1 FROM parents")).toHaveLength(1);
  });

  it("bring an incident up to date only with the whole transaction", () => {
    const anchor = anchorOf(1, [reportOf("a")]);
    writeEvents(db, [anchor.event]);
    list(anchor);
    const writer = new ContentWriter(db);
    writer.writeContent(anchor.leaves[0]?.contentId ?? "0x", anchor.records[0] as NewRecord);
    expect(db.all("SELECT 1 FROM incidents")).toHaveLength(0);
    writer.finish();
    expect(db.all("SELECT 1 FROM incidents")).toHaveLength(1);
  });
});

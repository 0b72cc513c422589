import { beforeEach, describe, expect, it } from "vitest";
import { blobOf, hexOfBlob } from "../../../src/catalog/database/blobs.js";
import type { Database } from "../../../src/catalog/database/database.js";
import { refreshIncident } from "../../../src/catalog/queries/incidents.js";
import { type Incident, incidentFingerprint } from "../../../src/records/index.js";
import {
  type AnchoredRows,
  anchorOf,
  openRows,
  reportOf,
  takeIn,
  writeAnchors,
  writeEvents,
} from "../../harness/catalogRows.js";
import { enacted, issued } from "../../harness/directives.js";
import { idOf, OTHER } from "../../records/samples.js";

let db: Database;
beforeEach(async () => {
  db = await openRows();
});
const report = reportOf("replica/a", { severity: "low" });
const fingerprint = incidentFingerprint(report.value as Incident);
const idIn = ({ leaves }: AnchoredRows) => leaves[0]?.contentId ?? "0x";
const incidents = () =>
  db
    .all<{ fingerprint: Uint8Array }>("SELECT * FROM incidents ORDER BY first")
    .map((row) => ({ ...row, fingerprint: hexOfBlob(row.fingerprint) }));

describe("a trouble", () => {
  it("is open from its first report, and tells of the last", () => {
    writeAnchors(db, [anchorOf(1, [report]), anchorOf(2, [reportOf("replica/a", { severity: "high" })])]);
    expect(incidents()).toMatchObject([
      { fingerprint, subject: "replica/a", kind: "replica-down", severity: 2, open: 1, resolved: null, occurrences: 2 },
    ]);
  });

  it("is not another for being reported by others, but for being of another subject", () => {
    writeAnchors(db, [
      anchorOf(1, [report]),
      anchorOf(2, [report], { author: OTHER }),
      anchorOf(3, [reportOf("replica/b")]),
    ]);
    expect(incidents()).toMatchObject([{ occurrences: 2 }, { occurrences: 1, subject: "replica/b" }]);
  });

  it("ends by a directive that cites a report and was enacted as done", () => {
    const anchor = anchorOf(1, [report]);
    writeAnchors(db, [anchor]);
    writeEvents(db, [issued("a", 2, [idIn(anchor)]), enacted("a", 3)]);
    expect(incidents()).toMatchObject([{ open: 0, resolved: expect.any(Number) }]);
  });

  it.each([
    ["failed", [issued("a", 2, [idOf("report")]), enacted("a", 3, 3n)]],
    ["was not enacted", [issued("a", 2, [idOf("report")])]],
    ["cites something else", [issued("a", 2, [idOf("other")]), enacted("a", 3)]],
    ["was issued under another id", [issued("a", 2, [idOf("report")]), enacted("b", 3)]],
  ])("does not end by a directive that %s", (_what, events) => {
    const anchor = anchorOf(1, [report]);
    writeAnchors(db, [anchor]);
    const citing = events.map((event) =>
      event.name === "DirectiveIssued" && event.args.directive.evidence[0] === idOf("report")
        ? issued("a", 2, [idIn(anchor)])
        : event,
    );
    writeEvents(db, citing);
    expect(incidents()).toMatchObject([{ open: 1, resolved: null }]);
  });

  it("has ended also where its report is verified after what was done", () => {
    const anchor = anchorOf(1, [report]);
    writeEvents(db, [anchor.event, issued("a", 2, [idIn(anchor)]), enacted("a", 3)]);
    expect(incidents()).toEqual([]);
    takeIn(db, [anchor]);
    expect(incidents()).toMatchObject([{ open: 0, occurrences: 1 }]);
  });
});

describe("a trouble that has ended", () => {
  const end = () => {
    const anchor = anchorOf(1, [report]);
    writeAnchors(db, [anchor]);
    writeEvents(db, [issued("a", 2, [idIn(anchor)]), enacted("a", 3)]);
  };
  beforeEach(end);

  it.each([
    ["a report that nobody had anchored", reportOf("replica/a", { severity: "high" }), OTHER, 1],
    ["the same report by the same author", report, undefined, 1],
    ["another's report that was only slow to arrive", report, OTHER, 0],
  ])("is opened again, or is not, by %s", (_what, again, author, open) => {
    writeAnchors(db, [anchorOf(4, [again], author === undefined ? {} : { author })]);
    expect(incidents()).toMatchObject([{ open, occurrences: 2 }]);
  });

  it("is not opened by the record that closes it", () => {
    const resolution = { resolves: idOf("report"), directive: idOf("directive a"), outcome: idOf("outcome") };
    writeAnchors(db, [anchorOf(4, [reportOf("replica/a", { severity: "low", resolution })])]);
    expect(incidents()).toMatchObject([{ open: 0, occurrences: 1 }]);
  });
});

it("comes to the same however often it is written, and to nothing once no report is left", () => {
  writeAnchors(db, [anchorOf(1, [report])]);
  const before = incidents();
  refreshIncident(db, blobOf(fingerprint));
  expect(incidents()).toEqual(before);
  db.run("DELETE FROM records");
  refreshIncident(db, blobOf(fingerprint));
  expect(incidents()).toEqual([]);
});

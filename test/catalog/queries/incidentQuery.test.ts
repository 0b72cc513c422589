import { beforeEach, describe, expect, it } from "vitest";
import type { Database } from "../../../src/catalog/database/database.js";
import { pageOfIncidents, readIncident } from "../../../src/catalog/queries/incidentQuery.js";
import type { IncidentFilter } from "../../../src/catalog/queries/query.js";
import { type Incident, incidentFingerprint } from "../../../src/records/index.js";
import { anchorOf, openRows, reportOf, writeAnchors, writeEvents } from "../../harness/catalogRows.js";
import { enacted, issued, proposed } from "../../harness/directives.js";
import { headerOf } from "../../harness/events.js";
import { idOf, OTHER } from "../../records/samples.js";

const now = { block: 9, through: 5 };
let db: Database;
beforeEach(async () => {
  db = await openRows();
  const first = anchorOf(1, [reportOf("replica/a", { severity: "low" })]);
  const cited = first.leaves.map(({ contentId }) => contentId);
  writeAnchors(db, [first, anchorOf(2, [reportOf("replica/b", { severity: "critical" })])]);
  writeEvents(db, [proposed(7n, 3, cited), issued("a", 4, cited), enacted("a", 5)]);
  writeAnchors(db, [
    anchorOf(6, [reportOf("replica/c"), reportOf("replica/d", { kind: "state-critical" })], { author: OTHER }),
  ]);
});

const fingerprintOf = (subject: string) =>
  incidentFingerprint(reportOf(subject, { severity: "low" }).value as Incident);
const subjectsOf = (filter: IncidentFilter) =>
  pageOfIncidents(db, filter, now, 50).incidents.map(({ subject }) => subject);

describe("incidents", () => {
  it.each<[IncidentFilter, string[]]>([
    [{}, ["replica/d", "replica/c", "replica/b", "replica/a"]],
    [{ open: true }, ["replica/d", "replica/c", "replica/b"]],
    [{ open: false }, ["replica/a"]],
    [{ severity: "high" }, ["replica/d", "replica/c"]],
    [{ severity: "critical", open: true }, ["replica/b"]],
    [{ kind: "state-critical" }, ["replica/d"]],
    [{ kind: "state-critical", severity: "low" }, []],
    [{ subject: "replica/a" }, ["replica/a"]],
    [{ subject: "replica/a", open: true }, []],
  ])("are those that %j lets through, the last seen first", (filter, subjects) => {
    expect(subjectsOf(filter)).toEqual(subjects);
  });

  it("tell where they were seen and by which directive they ended", () => {
    const [incident] = pageOfIncidents(db, { open: false }, now, 1).incidents;
    const seen = { blockNumber: 1, blockHash: headerOf(1).hash, confirmations: 9, confirmed: true };
    expect(incident).toMatchObject({
      ...{ fingerprint: fingerprintOf("replica/a"), severity: "low", open: false, occurrences: 1, cursor: "1-0-0-0" },
      ...{ firstSeen: seen, lastSeen: seen, resolved: { directive: idOf("directive a"), blockNumber: 5 } },
    });
  });

  it("come in pages, each once", () => {
    const first = pageOfIncidents(db, {}, now, 3);
    const second = pageOfIncidents(db, { cursor: first.cursor ?? "" }, now, 3);
    expect([...first.incidents, ...second.incidents].map(({ subject }) => subject)).toEqual(subjectsOf({}));
    expect(second.cursor).toBeNull();
  });

  it("are refused with what is no cursor", () => {
    expect(() => pageOfIncidents(db, { cursor: "x" }, now, 3)).toThrow(
      expect.objectContaining({ code: "invalid-input" }),
    );
  });
});

describe("what happened to a trouble", () => {
  const history = (options: { limit: number; cursor?: string }) =>
    readIncident(db, fingerprintOf("replica/a"), now, options);

  it("is told newest first: reports, proposals, orders and what came of them", () => {
    const read = history({ limit: 50 });
    expect(read?.next).toBeNull();
    expect(read?.history).toMatchObject([
      { type: "enacted", directive: idOf("directive a"), result: "done", at: { blockNumber: 5, confirmed: true } },
      { type: "ordered", directive: idOf("directive a"), kind: "Restart" },
      { type: "proposed", proposalId: "7" },
      { type: "reported", record: { kind: "Incident", anchor: { blockNumber: 1 } } },
    ]);
  });

  it("is told page by page, each once", () => {
    const types: string[] = [];
    let cursor: string | undefined;
    for (let page = 0; page < 4; page++) {
      const read = history({ limit: 1, ...(cursor === undefined ? {} : { cursor }) });
      types.push(...(read?.history.map(({ type }) => type) ?? []));
      cursor = read?.next ?? undefined;
    }
    expect([types, cursor]).toEqual([["enacted", "ordered", "proposed", "reported"], undefined]);
  });

  it("includes the record that closes it", () => {
    const resolution = { resolves: idOf("report"), directive: idOf("directive a"), outcome: idOf("outcome") };
    writeAnchors(db, [anchorOf(8, [reportOf("replica/a", { severity: "low", resolution })])]);
    expect(history({ limit: 1 })?.history).toMatchObject([{ type: "closed", record: { anchor: { blockNumber: 8 } } }]);
  });

  it("says of a directive that failed that it did", () => {
    writeEvents(db, [enacted("a", 8, 3n)]);
    expect(history({ limit: 1 })?.history).toMatchObject([{ type: "enacted", result: "failed" }]);
  });

  it("is nothing where no verified record has the fingerprint", () => {
    expect(readIncident(db, idOf("unknown"), now, { limit: 5 })).toBeUndefined();
  });
});

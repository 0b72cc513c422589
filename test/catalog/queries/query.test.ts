import { describe, expect, it } from "vitest";
import { parseIncidentQuery, parseRecordQuery } from "../../../src/catalog/queries/query.js";
import { contentIdToCid } from "../../../src/records/index.js";
import { idOf, NODE } from "../../records/samples.js";

describe("a query of texts", () => {
  it("is read with names in any case, addresses in any, and ids of both forms", () => {
    const id = idOf("record");
    expect(
      parseRecordQuery({
        ...{ kind: "incident", status: "VERIFIED", severity: "Critical", state: "harmonic", round: "3", name: "mnist" },
        ...{ author: NODE.toLowerCase(), contentId: contentIdToCid(id), fingerprint: id, text: "web*", limit: "7" },
      }),
    ).toEqual({
      ...{ kind: "Incident", status: "verified", severity: "critical", state: "HARMONIC", round: 3, name: "mnist" },
      ...{ author: NODE, contentId: id, fingerprint: id, text: "web*", limit: 7 },
    });
    expect(parseRecordQuery({ contentId: id })).toEqual({ contentId: id });
  });

  it("takes moments in seconds or as dates", () => {
    expect(parseRecordQuery({ since: "1800000000", until: "2027-01-15T09:00:00+01:00" })).toEqual({
      ...{ since: 1_800_000_000, until: 1_800_000_000 },
    });
  });

  it("reads yes and no, and nothing else, as such", () => {
    expect([parseIncidentQuery({ open: "false" }), parseIncidentQuery({ open: true })]).toEqual([
      { open: false },
      { open: true },
    ]);
    for (const open of ["no", "1", ""]) expect(() => parseIncidentQuery({ open })).toThrow(/open/);
  });

  it("leaves out what is not given", () => {
    expect(parseRecordQuery({ kind: undefined, text: undefined })).toEqual({});
    expect(parseIncidentQuery({})).toEqual({});
  });
});

describe("a query that is refused names its field", () => {
  it.each([
    ["kind", "incidents"],
    ["author", "0x12"],
    ["contentId", "bafy"],
    ["status", "unknown"],
    ["severity", "severe"],
    ["fingerprint", `0x${"AB".repeat(31)}`],
    ["state", "CALM"],
    ["round", "-1"],
    ["name", ""],
    ["subject", "a".repeat(501)],
    ["text", ""],
    ["since", "yesterday"],
    ["until", "2027-01-15"],
    ["limit", "0"],
    ["limit", "1001"],
    ["limit", "1.5"],
    ["cursor", "1".repeat(65)],
  ])("%s: %s", (field, value) => {
    expect(() => parseRecordQuery({ [field]: value })).toThrow(
      expect.objectContaining({ code: "invalid-input", shortMessage: expect.stringContaining(`: ${field}: `) }),
    );
  });

  it("also where there is no such field", () => {
    expect(() => parseRecordQuery({ kinds: "State" })).toThrow(/kinds/);
    expect(() => parseIncidentQuery({ author: NODE })).toThrow(/author/);
  });

  it("and says which names there are", () => {
    expect(() => parseRecordQuery({ severity: "severe" })).toThrow(/low, medium, high, critical/);
  });
});

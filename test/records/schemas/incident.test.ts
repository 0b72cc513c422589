import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { MAX_FACTS } from "../../../src/records/schemas/bounds.js";
import { type Incident, incidentFingerprint, incidentSchema } from "../../../src/records/schemas/incident.js";
import { IncidentKinds, Severities } from "../../../src/records/types.js";

const id = `0x${"a1".repeat(32)}` as const;
const incident: Incident = {
  schema: "witan/incident/1",
  kind: "replica-down",
  severity: "high",
  subject: "replica/web/3",
  observed: { alive: false, exitCode: 137, signal: "SIGKILL" },
  detection: { probe: "process", threshold: "alive" },
  resolution: null,
};
const accepts = (change: object) => incidentSchema.safeParse({ ...incident, ...change }).success;
const facts = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, i) => [`fact ${i}`, i]));

describe("an incident", () => {
  it("comes out as it was written, open or resolved", () => {
    const resolution = { resolves: id, directive: id, outcome: id };
    for (const each of [incident, { ...incident, resolution }]) expect(incidentSchema.parse(each)).toEqual(each);
  });

  it("may have every kind and severity, no facts, and no threshold", () => {
    expect(IncidentKinds.every((kind) => accepts({ kind }))).toBe(true);
    expect(Severities.every((severity) => accepts({ severity }))).toBe(true);
    expect(accepts({ observed: {}, detection: { probe: "process" } })).toBe(true);
  });

  it.each<[string, object]>([
    ["with an author: nodes that see the same would write different bytes", { author: `0x${"11".repeat(20)}` }],
    ["with a time", { time: 1_795_000_000_000 }],
    ["of a kind that there is not", { kind: "replica-sad" }],
    ["of a severity that there is not", { severity: "none" }],
    ["without a subject", { subject: "" }],
    ["with a subject of two lines", { subject: "replica/web/3\n" }],
    ["with a fact that is a list", { observed: { codes: [1, 2] } }],
    ["with a fact that is null", { observed: { code: null } }],
    ["with a fact without a name", { observed: { "": 1 } }],
    ["with a fact that is too long", { observed: { output: "a".repeat(1_025) } }],
    ["with a threshold that is undefined", { detection: { probe: "process", threshold: undefined } }],
    ["without a probe", { detection: { threshold: "alive" } }],
    ["with half a resolution", { resolution: { resolves: id, directive: id } }],
    ["that does not say whether it is open", { resolution: undefined }],
  ])("is refused %s", (_what, change) => {
    expect(accepts(change)).toBe(false);
  });

  it("holds 64 facts, and not one more", () => {
    expect([accepts({ observed: facts(MAX_FACTS) }), accepts({ observed: facts(MAX_FACTS + 1) })]).toEqual([
      true,
      false,
    ]);
  });
});

describe("the fingerprint of an incident", () => {
  it("is the same in every release: nodes of two releases must name one failure alike", () => {
    expect(incidentFingerprint(incident)).toBe("0x13addf8be2485db796b99840d6b9577c984c366cb1dd00c29d65274ed540455e");
  });

  it("follows kind and subject, and nothing else", () => {
    const changed = { ...incident, severity: "low", observed: {}, detection: { probe: "http" } } as const;
    expect(incidentFingerprint(changed)).toBe(incidentFingerprint(incident));
    const kinds = new Set(IncidentKinds.map((kind) => incidentFingerprint({ ...incident, kind })));
    expect(kinds.size).toBe(IncidentKinds.length);
    fc.assert(
      fc.property(fc.uniqueArray(fc.string(), { minLength: 2, maxLength: 2 }), ([one = "", other = ""]) => {
        const [first, second] = [one, other].map((subject) => incidentFingerprint({ kind: "replica-down", subject }));
        expect(first).not.toBe(second);
      }),
    );
  });
});

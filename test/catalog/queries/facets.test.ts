import { describe, expect, it } from "vitest";
import { facetsOf } from "../../../src/catalog/queries/facets.js";
import { incidentFingerprint, NamedStates, Severities } from "../../../src/records/index.js";
import { incident, model, NODE, outcome, state } from "../../records/samples.js";

describe("what a record can be asked for by", () => {
  it("is a state's name and the node that alone may say so", () => {
    const facets = facetsOf("State", state);
    expect(facets).toMatchObject({ state: NamedStates.indexOf("HARMONIC"), speaker: NODE, text: null, subjects: [] });
    expect(facets.fingerprint).toBeNull();
  });

  it("is an incident's trouble, severity and words, and whether it reports or closes it", () => {
    const closing = facetsOf("Incident", incident);
    expect(closing).toMatchObject({
      ...{ severity: Severities.indexOf("high"), subjects: ["replica/web/3"], speaker: null, observed: false },
      fingerprint: incidentFingerprint(incident),
    });
    const report = facetsOf("Incident", { ...incident, resolution: null });
    expect(report.observed).toBe(true);
    expect(report.fingerprint).toBe(closing.fingerprint);
    for (const word of ["replica-down", "replica/web/3", "exitCode", "137", "SIGKILL", "process", "alive"]) {
      expect(report.text?.split("\n")).toContain(word);
    }
  });

  it("is a model's name and round, and its dataset where it was tested", () => {
    expect(facetsOf("Model", model)).toMatchObject({
      ...{ name: "mnist", round: 3, subjects: ["model/mnist"], text: "mnist\nmnist-test" },
    });
    expect(facetsOf("Model", { ...model, evaluation: null }).text).toBe("mnist\n");
  });

  it("is what an outcome speaks of, each subject once, and its notes", () => {
    const facets = facetsOf("Outcome", { ...outcome, detail: [...outcome.detail, ...outcome.detail] });
    expect(facets.subjects).toEqual(["replica/web/3"]);
    expect(facets.text).toMatch(/^done\n.*restarted/s);
  });
});

import { expect, it } from "vitest";
import type { DirectiveReport } from "../../../src/client/directives/directive.js";
import { reportWords } from "../../../src/client/directives/report.js";
import { NO_CONTENT } from "../../../src/ports/chain/index.js";
import { idOf } from "../../records/samples.js";

const outcome = idOf("outcome");

it("numbers reports as the contract does, and cites no outcome for the first of them", () => {
  expect(reportWords("ready", undefined)).toEqual({ report: 1, outcome: NO_CONTENT });
  expect(reportWords("ready", null)).toEqual({ report: 1, outcome: NO_CONTENT });
  expect(reportWords("done", outcome)).toEqual({ report: 2, outcome });
  expect(reportWords("failed", outcome)).toEqual({ report: 3, outcome });
});

it.each([
  ["ready", outcome],
  ["done", undefined],
  ["failed", null],
  ["done", NO_CONTENT],
  ["none", undefined],
  ["Done", outcome],
])("refuses the report %s with the outcome %s", (report, cited) => {
  expect(() => reportWords(report as DirectiveReport, cited)).toThrow(
    expect.objectContaining({ code: "invalid-input" }),
  );
});

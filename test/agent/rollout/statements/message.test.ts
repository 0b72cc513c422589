import { expect, it } from "vitest";
import { authorOf, MAX_SIGHTINGS, parseRolloutMessage } from "../../../../src/agent/rollout/statements/message.js";
import type { WitnessStatement } from "../../../../src/policy/rollout/index.js";
import { planOf, reportOf, sighting } from "../../../policy/rollout/fixtures.js";

const plan = planOf(10);
const report = reportOf(plan, [0, 0]);
const statement: WitnessStatement = {
  schema: "witan/witness-statement/1",
  directive: plan.directive,
  witness: "host001",
  interval: 3,
  seen: [sighting(plan, "web/1")],
};

it("reads what hosts say, and names its author", () => {
  for (const message of [report, statement]) expect(parseRolloutMessage(JSON.stringify(message))).toEqual(message);
  expect(authorOf(report)).toBe(report.host);
  expect(authorOf(statement)).toBe("host001");
});

it.each([
  ["no JSON", "{"],
  ["another schema", JSON.stringify({ ...report, schema: "witan/stage-report/2" })],
  ["a field too many", JSON.stringify({ ...report, more: 1 })],
  ["an unknown result", JSON.stringify({ ...report, result: "fine" })],
  ["a line break in a name", JSON.stringify({ ...report, replica: "web/1\n" })],
  ["a note that is too long", JSON.stringify({ ...report, note: "x".repeat(1_025) })],
  ["no sighting", JSON.stringify({ ...statement, seen: [] })],
  [
    "too many",
    JSON.stringify({ ...statement, seen: Array.from({ length: MAX_SIGHTINGS + 1 }, () => statement.seen[0]) }),
  ],
])("refuses %s", (_, body) => {
  expect(parseRolloutMessage(body)).toBeUndefined();
});

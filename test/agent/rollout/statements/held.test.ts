import { expect, it } from "vitest";
import { HeldStatements } from "../../../../src/agent/rollout/statements/held.js";
import { planOf, sighting } from "../../../policy/rollout/fixtures.js";

const plan = planOf(10);
const [first] = plan.waves[0]?.replicas ?? [];

it("holds a bounded number of envelopes of each witness, and none that says nothing new", () => {
  const held = new HeldStatements(plan);
  const { replica = "", witnesses = [] } = first ?? {};
  const [witness = ""] = witnesses;
  const add = (interval: number, bytes: number) =>
    held.add(
      {
        ...{ schema: "witan/witness-statement/1", directive: plan.directive, witness, interval },
        seen: [sighting(plan, replica)],
      },
      { bytes: Uint8Array.of(bytes), isOwn: false, dueAt: 0, pauseMs: 0 },
    );
  for (let interval = 0; interval < 20; interval++) expect(add(interval, interval)).toBe(true);
  expect(add(19, 100)).toBe(false);
  expect([...held.envelopes()].map(({ bytes }) => bytes[0])).toEqual([15, 16, 17, 18, 19]);
  expect(held.version).toBe(20);
});

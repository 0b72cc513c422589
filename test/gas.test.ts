import { beforeAll, describe, expect, it } from "vitest";
import { type Case, measureGovernance, type Step } from "../scripts/bench/governance.js";

/** The most that a node may pay for a vote after the first, in gas of the whole transaction. */
const MAX_VOTE_GAS = 45_000;

let cases: Case[];
beforeAll(async () => {
  cases = await measureGovernance();
});

function gasOf(system: Case["system"], step: Step): number {
  return cases.find((one) => one.system === system && one.step === step)?.gas ?? Number.NaN;
}

describe("Gas of governance", () => {
  it("is what the snapshot says; `npm run gas:update` takes a change down for review", async () => {
    const ours = cases.filter(({ system }) => system === "witan").map(({ step, gas }) => [step, gas]);
    const snapshot = JSON.stringify({ governance: Object.fromEntries(ours) }, null, 2);
    await expect(`${snapshot}\n`).toMatchFileSnapshot("gas-snapshot.json");
  });

  it("keeps a later vote under its bound", () => {
    expect(gasOf("witan", "vote")).toBeLessThanOrEqual(MAX_VOTE_GAS);
  });

  it.each(["vote-first", "vote", "vote-by-signature", "queue", "execute"] as const)(
    "is lower than a stock OpenZeppelin Governor's for %s",
    (step) => {
      expect(gasOf("witan", step)).toBeLessThan(gasOf("openzeppelin", step));
    },
  );
});

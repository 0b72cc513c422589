import { beforeAll, describe, expect, it } from "vitest";
import { type Case, measureGovernance, type Step } from "../scripts/bench/governance.js";
import { type CouncilGas, measureCouncil } from "../scripts/bench/votes/council.js";

/** The most that a node may pay for a vote after the first, in gas of the whole transaction. */
const MAX_VOTE_GAS = 45_000;
const NODES = 100;

let cases: Case[];
let council: CouncilGas;
beforeAll(async () => {
  cases = await measureGovernance();
  council = await measureCouncil(NODES);
});

function gasOf(system: Case["system"], step: Step): number {
  return cases.find((one) => one.system === system && one.step === step)?.gas ?? Number.NaN;
}

describe("Gas of governance", () => {
  it("is that of the snapshot; `npm run gas:update` writes a change for review", async () => {
    const ours = cases.filter(({ system }) => system === "witan").map(({ step, gas }) => [step, gas]);
    const snapshot = JSON.stringify(
      { governance: Object.fromEntries(ours), [`council of ${NODES}`]: council },
      null,
      2,
    );
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

describe("Gas of a council of 100", () => {
  it("is at most 155,000 a node for an admission, so that a hundred fit into a transaction (EIP-7825)", () => {
    expect(council[`admit-${NODES}`] / NODES).toBeLessThanOrEqual(155_000);
    expect(council[`admit-${NODES}`]).toBeLessThanOrEqual(2 ** 24);
  });

  it("is least for an aggregate, more for a batch of signatures, most for single ballots", () => {
    expect(council["ballots-aggregate-67"]).toBeLessThan(council["ballots-batch-67"]);
    expect(council["ballots-batch-67"]).toBeLessThan(67 * gasOf("witan", "vote"));
  });

  it("is less for one anchor of eight nodes than for eight anchors", () => {
    expect(council["anchor-joint-8"]).toBeLessThan(8 * council.anchor);
  });
});

import { describe, expect, it } from "vitest";
import { votePolicyOf, votingSchema } from "../../src/agent/voting.js";
import { VoteDefaults } from "../../src/policy/index.js";

const policyOf = (written: object) => votePolicyOf(votingSchema.parse(written));

describe("what an operator lets the agent vote for", () => {
  it("is the default where nothing is written", () => {
    expect(policyOf({})).toEqual(VoteDefaults);
  });

  it("can be less, bounded otherwise, and later than people", () => {
    const policy = policyOf({
      leftToPeople: ["Scale"],
      grace: { Deploy: 600 },
      scale: { step: 2 },
      rounds: { localEpochs: 3 },
      unsignedReleases: true,
    });
    expect([policy.decides.has("Scale"), policy.decides.has("Restart")]).toEqual([false, true]);
    expect(policy.grace).toEqual({ Deploy: 600 });
    expect(policy.scale).toEqual({ ...VoteDefaults.scale, step: 2 });
    expect(policy.rounds).toEqual({ ...VoteDefaults.rounds, localEpochs: 3 });
    expect(policy.unsignedReleases).toBe(true);
  });

  it("never includes what is people's", () => {
    for (const kind of [
      "Admit",
      "SetTrack",
      "ChangeOperator",
      "AdmitPublisher",
      "RevokePublisher",
      "Experiment",
    ] as const)
      expect(policyOf({}).decides.has(kind)).toBe(false);
  });

  it.each([{ leftToPeople: ["Nothing"] }, { grace: { Deploy: -1 } }, { grace: { Deploy: 86_401 } }, { typo: 1 }])(
    "is refused where it is wrong: %o",
    (written) => {
      expect(votingSchema.safeParse(written).success).toBe(false);
    },
  );
});

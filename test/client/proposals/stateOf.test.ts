import { expect, it } from "vitest";
import { ProposalStates } from "../../../src/client/proposals/proposal.js";
import { stateOf } from "../../../src/client/proposals/stateOf.js";
import { contextOf, noting, revertOf } from "../../harness/fakeClient.js";

const clientOf = (state: (...args: unknown[]) => Promise<bigint>) =>
  contextOf({ chain: { tip: "pending", contracts: { governor: { state } } } });

it("names each state, as of the next block", async () => {
  const asked: unknown[][] = [];
  const states = await Promise.all(ProposalStates.map((_, i) => stateOf(clientOf(noting(asked, BigInt(i))), "7")));
  expect(states).toEqual(ProposalStates);
  expect(asked[0]).toEqual(["7", { blockTag: "pending" }]);
});

it("gives none where there is no such proposal", async () => {
  const client = clientOf(() => Promise.reject(revertOf("GovernorNonexistentProposal")));
  expect(await stateOf(client, "7")).toBeUndefined();
});

it("fails with every other error, which says nothing of the proposal", async () => {
  const error = revertOf("NodeGovernorOther");
  await expect(
    stateOf(
      clientOf(() => Promise.reject(error)),
      "7",
    ),
  ).rejects.toBe(error);
});

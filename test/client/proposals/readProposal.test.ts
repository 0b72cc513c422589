import { describe, expect, it } from "vitest";
import { composeProposal } from "../../../src/client/proposals/composeProposal.js";
import { callsOf, directiveOf, findCreated, readProposal } from "../../../src/client/proposals/readProposal.js";
import type { Call } from "../../../src/ports/chain/index.js";
import { eventOf } from "../../harness/events.js";
import { addresses, cacheOf, contextOf, revertOf } from "../../harness/fakeClient.js";
import { idOf, NODE } from "../../records/samples.js";

const built = composeProposal(addresses, { order: { kind: "SetFlag", name: "f", value: true }, evidence: [idOf("a")] });
const created = (calls: readonly Call[] = built.calls, blockNumber = 3) =>
  eventOf(
    "ProposalCreated",
    {
      ...{ proposalId: BigInt(built.proposalId), proposer: NODE, description: built.description },
      ...{ targets: calls.map(({ target }) => target), values: calls.map(({ value }) => BigInt(value)) },
      ...{ calldatas: calls.map(({ data }) => data), voteStart: 100n, voteEnd: 200n },
    },
    { blockNumber },
  );

/** A governor that has the proposal, but for what a test changes. */
function clientOf(governor: object = {}) {
  const rules = {
    ...{ track: 1n, claim: false, epoch: 2n, committeeSize: 7n, presence: 3n, counted: 6n },
    ...{ neededFor: 3n, fastPathFor: 5n, approval: 30_000n },
    timelock: 60n,
    expiry: 900n,
  };
  const answers = {
    state: async () => 1n,
    proposalRules: async () => rules,
    proposalVotes: async () => ({ forVotes: 3n, againstVotes: 2n, abstainVotes: 1n }),
    proposalDeadline: async () => 215n,
    proposalExpiry: async () => 1_100n,
    proposalEta: async () => 0n,
  };
  return contextOf({ chain: { contracts: { governor: { ...answers, ...governor } } } });
}

describe("the event that opened a proposal", () => {
  it("gives its calls as they were made", () => {
    expect(callsOf(created())).toEqual(built.calls);
  });

  it("is the newest, where the cache holds two", async () => {
    const client = contextOf({ proposals: cacheOf(created(built.calls, 3), created(built.calls, 5)) });
    expect((await findCreated(client, built.proposalId)).blockNumber).toBe(5);
  });

  it("is refused where there is no such proposal", async () => {
    const client = contextOf({ proposals: cacheOf(created()) });
    await expect(findCreated(client, "7")).rejects.toMatchObject({ code: "unknown-proposal" });
  });
});

describe("the directive of a proposal", () => {
  const [effect, issue] = built.calls as [Call, Call];

  it("is the one that its calls issue", () => {
    expect(directiveOf(addresses, [effect, issue])).toEqual(built.directive);
  });

  it.each([
    ["none", [effect]],
    ["no call at all", []],
    ["two", [issue, issue]],
  ])("is null where its calls issue %s", (_what, calls) => {
    expect(directiveOf(addresses, calls)).toBeNull();
  });
});

describe("a proposal", () => {
  it("is read whole, in plain numbers", async () => {
    const proposal = await readProposal(clientOf(), created());
    expect(proposal).toMatchObject({
      ...{ id: built.proposalId, state: "Active", track: "operations", proposer: NODE, directive: built.directive },
      ...{ directiveId: built.directiveId, evidence: [idOf("a")], votes: { for: 3, against: 2, abstain: 1 } },
      ...{ start: 100, deadline: 215, expiry: 1_100, eta: null, calls: built.calls, blockNumber: 3 },
      rules: {
        ...{ epoch: 2, committeeSize: 7, presence: 3, counted: 6, neededFor: 3, fastPathFor: 5, approval: 30_000 },
        ...{ claim: false, timelock: 60, expiry: 900 },
      },
    });
    expect(JSON.parse(JSON.stringify(proposal))).toEqual(proposal);
  });

  it("closes when the governor says, which may be later than at its opening", async () => {
    const client = clientOf({ proposalDeadline: async () => 250n });
    expect(await readProposal(client, created())).toMatchObject({ start: 100, deadline: 250 });
  });

  it("tells when it may be executed once it is queued", async () => {
    const client = clientOf({ state: async () => 5n, proposalEta: async () => 260n });
    expect(await readProposal(client, created())).toMatchObject({ state: "Queued", eta: 260 });
  });

  it("has no directive and no evidence where its calls issue none", async () => {
    const proposal = await readProposal(clientOf(), created([]));
    expect(proposal).toMatchObject({ directive: null, directiveId: null, evidence: [] });
  });

  it.each([
    [
      "left the chain since its event was read",
      { state: () => Promise.reject(revertOf("GovernorNonexistentProposal")) },
    ],
    ["is on a track that we do not know", { proposalRules: async () => ({ track: 9n }) }],
  ])("is refused where it %s", async (_what, governor) => {
    await expect(readProposal(clientOf(governor), created())).rejects.toMatchObject({ code: "unknown-proposal" });
  });
});

import { beforeEach, describe, expect, it } from "vitest";
import { advanceProposal } from "../../../src/client/proposals/advance.js";
import { composeProposal } from "../../../src/client/proposals/composeProposal.js";
import { type ProposalState, ProposalStates } from "../../../src/client/proposals/proposal.js";
import { eventOf } from "../../harness/events.js";
import { addresses, cacheOf, contextOf, revertOf } from "../../harness/fakeClient.js";

const { calls, descriptionHash, proposalId } = composeProposal(addresses, {
  order: { kind: "SetFlag", name: "f", value: true },
});
const created = eventOf("ProposalCreated", {
  ...{ proposalId: BigInt(proposalId), descriptionHash, targets: calls.map(({ target }) => target) },
  ...{ values: calls.map(({ value }) => BigInt(value)), calldatas: calls.map(({ data }) => data) },
});
const receipt = { hash: "0x01", blockNumber: 9, gasUsed: 1n, logs: [] };
let sent: unknown[][];
beforeEach(() => {
  sent = [];
});

/** Queues a proposal that is in these states, one after the other, each time that it is asked. */
function queue(
  states: readonly ProposalState[],
  { refusal, ...parts }: { refusal?: unknown; signal?: AbortSignal; account?: undefined } = {},
) {
  const { signal, ...context } = parts;
  const left = [...states];
  const client = contextOf({
    ...context,
    proposals: cacheOf(created),
    chain: {
      contracts: {
        governor: {
          state: async () => BigInt(ProposalStates.indexOf((left.length > 1 ? left.shift() : left[0]) ?? "Pending")),
          queue: async (...args: unknown[]) => sent.push(args),
        },
      },
      send: async (transact: () => Promise<unknown>) => {
        await transact();
        if (refusal !== undefined) throw refusal;
        return receipt;
      },
    },
  });
  const step = {
    verb: "queue",
    participle: "queued",
    from: "Succeeded",
    after: ["Queued", "Executed"],
    signal,
  } as const;
  return advanceProposal(client, proposalId, step);
}

describe("a proposal that has passed", () => {
  it("is queued with its calls and the hash of its description", async () => {
    expect(await queue(["Succeeded"])).toBe(receipt);
    expect(sent).toEqual([
      [
        calls.map(({ target }) => target),
        calls.map(({ value }) => value),
        calls.map(({ data }) => data),
        descriptionHash,
      ],
    ]);
  });

  it.each(["Queued", "Executed"] as const)("is left as it is where it is %s already", async (state) => {
    expect(await queue([state])).toBeNull();
    expect(sent).toEqual([]);
  });

  it.each(["GovernorUnexpectedProposalState", "GovernorAlreadyQueuedProposal", "TimelockUnexpectedOperationState"])(
    "is done where another account was quicker: %s",
    async (name) => {
      expect(await queue(["Succeeded", "Queued"], { refusal: revertOf(name) })).toBeNull();
    },
  );
});

describe("a proposal that cannot be queued", () => {
  it.each(["Pending", "Active", "Canceled", "Defeated", "Expired"] as const)(
    "is refused by its state: %s",
    async (state) => {
      await expect(queue([state])).rejects.toMatchObject({ code: "proposal-state", state });
      expect(sent).toEqual([]);
    },
  );

  it("fails with the governor's refusal where nobody else has done it", async () => {
    const refusal = revertOf("GovernorUnexpectedProposalState");
    await expect(queue(["Succeeded", "Canceled"], { refusal })).rejects.toBe(refusal);
  });

  it("fails with every other refusal, though it is done meanwhile", async () => {
    const refusal = revertOf("GovernorNotMember");
    await expect(queue(["Succeeded", "Queued"], { refusal })).rejects.toBe(refusal);
  });

  it("is not sent without an account, or once the signal has aborted", async () => {
    await expect(queue(["Succeeded"], { account: undefined })).rejects.toMatchObject({ code: "read-only" });
    await expect(queue(["Succeeded"], { signal: AbortSignal.abort(new Error("enough")) })).rejects.toThrow("enough");
    expect(sent).toEqual([]);
  });
});

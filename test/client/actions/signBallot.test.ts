import { Wallet } from "ethers";
import { describe, expect, it } from "vitest";
import { signBallot } from "../../../src/client/actions/signBallot.js";
import { verifyBallot } from "../../../src/client/actions/verifyBallot.js";
import type { Support } from "../../../src/records/index.js";
import { contextOf, revertOf } from "../../harness/fakeClient.js";

const signer = new Wallet(`0x${"01".repeat(32)}`);
/** The nodes' registry and the governor of a proposal in epoch 3, in which the caller's index is 4; it is 2 in epoch 5. */
const contracts = {
  governor: { proposalRules: async (id: string) => ({ epoch: id === "7" ? 3n : 0n }) },
  nodes: { indexOf: async (_voter: string, epoch: number) => (epoch === 3 ? 4n : 2n) },
};
const client = contextOf({ account: signer.address, chain: { signer, contracts } });

describe("a ballot", () => {
  it("is signed by the caller's account, and holds", async () => {
    const ballot = await signBallot(client, { proposalId: "7", support: "abstain", reason: "I cannot tell" });
    expect(ballot).toMatchObject({
      proposalId: "7",
      support: "abstain",
      reason: "I cannot tell",
      voter: signer.address,
      index: 4,
    });
    expect(verifyBallot(client, ballot)).toBe(true);
  });

  it("binds the voter's index in the proposal's epoch, or in the one that the caller names", async () => {
    const [opened, later] = await Promise.all([
      signBallot(client, { proposalId: "7", support: "for" }),
      signBallot(client, { proposalId: "7", support: "for", epoch: 5 }),
    ]);
    expect([opened.index, later.index]).toEqual([4, 2]);
    expect(opened.signature).not.toBe(later.signature);
    expect(verifyBallot(client, { ...opened, index: 2 })).toBe(false);
  });

  it("may be on a proposal that is not open yet, in an epoch that the caller names", async () => {
    const ballot = await signBallot(client, { proposalId: "8", support: "for", epoch: 3 });
    expect([ballot.index, verifyBallot(client, ballot)]).toEqual([4, true]);
  });

  it("is the same every time, so that a journal can compare it", async () => {
    const ballot = { proposalId: "7", support: "for" } as const;
    expect(await signBallot(client, ballot)).toEqual(await signBallot(client, ballot));
  });

  it("has no reason where the voter gave none, which is not an empty one", async () => {
    const [without, empty] = await Promise.all([
      signBallot(client, { proposalId: "7", support: "for" }),
      signBallot(client, { proposalId: "7", support: "for", reason: "" }),
    ]);
    expect("reason" in without).toBe(false);
    expect(without.signature).not.toBe(empty.signature);
  });
});

describe("what is not signed", () => {
  it.each([
    ["an unknown support", { support: "maybe" as Support }],
    ["a reason of over 1,024 bytes", { support: "for" as const, reason: "a".repeat(1_025) }],
  ])("is refused: %s", async (_what, ballot) => {
    await expect(signBallot(client, { proposalId: "7", ...ballot })).rejects.toMatchObject({ code: "invalid-input" });
  });

  it("is a ballot on a proposal that there is not, whose epoch nobody knows", async () => {
    const signed = signBallot(client, { proposalId: "8", support: "for" });
    await expect(signed).rejects.toMatchObject({ code: "unknown-proposal" });
  });

  it("is a ballot of an account that has no vote", async () => {
    const nodes = { indexOf: () => Promise.reject(revertOf("NodeRegistryNotMember")) };
    const stranger = contextOf({ account: signer.address, chain: { signer, contracts: { ...contracts, nodes } } });
    const signed = signBallot(stranger, { proposalId: "7", support: "for" });
    await expect(signed).rejects.toMatchObject({ errorName: "NodeRegistryNotMember" });
  });

  it("is refused without an account, and without its key", async () => {
    for (const reader of [contextOf({ account: undefined, chain: { signer } }), contextOf({ chain: { contracts } })]) {
      const signed = signBallot(reader, { proposalId: "7", support: "for" });
      await expect(signed).rejects.toMatchObject({ code: "read-only" });
    }
  });
});

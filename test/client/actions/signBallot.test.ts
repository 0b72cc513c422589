import { Wallet } from "ethers";
import { describe, expect, it } from "vitest";
import { signBallot } from "../../../src/client/actions/signBallot.js";
import { verifyBallot } from "../../../src/client/actions/verifyBallot.js";
import type { Support } from "../../../src/records/index.js";
import { contextOf } from "../../harness/fakeClient.js";

const signer = new Wallet(`0x${"01".repeat(32)}`);
const client = contextOf({ account: signer.address, chain: { signer } });

describe("a ballot", () => {
  it("is signed by the caller's account, and holds", async () => {
    const ballot = await signBallot(client, { proposalId: "7", support: "abstain", reason: "I cannot tell" });
    expect(ballot).toMatchObject({
      proposalId: "7",
      support: "abstain",
      reason: "I cannot tell",
      voter: signer.address,
    });
    expect(verifyBallot(client, ballot)).toBe(true);
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

  it("is refused without an account, and without its key", async () => {
    for (const reader of [contextOf({ account: undefined, chain: { signer } }), contextOf()]) {
      const signed = signBallot(reader, { proposalId: "7", support: "for" });
      await expect(signed).rejects.toMatchObject({ code: "read-only" });
    }
  });
});

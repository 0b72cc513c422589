import { Wallet } from "ethers";
import { beforeAll, describe, expect, it } from "vitest";
import { signBallot } from "../../../src/client/actions/signBallot.js";
import { verifyBallot } from "../../../src/client/actions/verifyBallot.js";
import type { SignedBallot } from "../../../src/client/index.js";
import type { Address } from "../../../src/records/index.js";
import { addresses, contextOf } from "../../harness/fakeClient.js";
import { OTHER } from "../../records/samples.js";

const signer = new Wallet(`0x${"01".repeat(32)}`);
const client = contextOf({
  account: signer.address,
  chain: { signer, contracts: { nodes: { indexOf: async () => 4n } } },
});
let ballot: SignedBallot;
beforeAll(async () => {
  ballot = await signBallot(client, { proposalId: "7", support: "for", reason: "as I see it", epoch: 1 });
});

describe("a signed ballot", () => {
  it("holds, however its voter's address is written", () => {
    expect(verifyBallot(client, ballot)).toBe(true);
    expect(verifyBallot(client, { ...ballot, voter: ballot.voter.toLowerCase() as Address })).toBe(true);
  });

  it.each<[string, Partial<SignedBallot>]>([
    ["another proposal", { proposalId: "8" }],
    ["another support", { support: "against" }],
    ["another reason", { reason: "as others see it" }],
    ["another voter", { voter: OTHER }],
    ["another index of the same voter", { index: 5 }],
    ["another signature", { signature: `0x${"11".repeat(65)}` }],
    ["no signature", { signature: "0x" }],
  ])("does not hold with %s", (_what, change) => {
    expect(verifyBallot(client, { ...ballot, ...change })).toBe(false);
  });

  it("does not hold without its reason", () => {
    const { reason: _left, ...without } = ballot;
    expect(verifyBallot(client, without)).toBe(false);
  });

  it("does not hold on another chain, nor for another governor", () => {
    for (const chain of [{ chainId: 1 }, { addresses: { ...addresses, NodeGovernor: OTHER } }]) {
      expect(verifyBallot(contextOf({ chain }), ballot)).toBe(false);
    }
  });
});

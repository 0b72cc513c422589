import { id, Signature, Wallet } from "ethers";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  compactSignature,
  hashAggregateBallot,
  hashBallot,
  recoverVoter,
  signBallotMessage,
} from "../../../../src/ports/chain/typedData/ballot.js";
import type { Hex } from "../../../../src/records/index.js";

const voter = new Wallet(id("voter"));
const context = { chainId: 31_337, governor: "0x00000000000000000000000000000000000000A1" as const };
const ballot = { proposalId: "7", support: 1, index: 3 };
const others = [
  [{ ...context, chainId: 1 }, ballot],
  [{ ...context, governor: "0x00000000000000000000000000000000000000A2" as const }, ballot],
  [context, { ...ballot, proposalId: "8" }],
  [context, { ...ballot, support: 0 }],
  [context, { ...ballot, index: 4 }],
  [context, { ...ballot, reason: "" }],
] as const;

describe("a ballot", () => {
  it("is by the account that signed it", async () => {
    for (const each of [ballot, { ...ballot, reason: "the evidence holds" }]) {
      expect(recoverVoter(context, each, await signBallotMessage(voter, context, each))).toBe(voter.address);
    }
  });

  it("has another digest and another signer for every other chain, governor, proposal, support, voter and reason", async () => {
    const signature = await signBallotMessage(voter, context, ballot);
    const digests = others.map(([where, what]) => hashBallot(where, what));
    expect(new Set([hashBallot(context, ballot), ...digests]).size).toBe(others.length + 1);
    for (const [where, what] of others) expect(recoverVoter(where, what, signature)).not.toBe(voter.address);
  });

  it("has no voter if its signature is malformed", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 63 }), (bytes) => {
        const signature = `0x${Buffer.from(bytes).toString("hex")}` as Hex;
        expect(recoverVoter(context, ballot, signature)).toBeUndefined();
      }),
    );
    expect(recoverVoter(context, ballot, `0x${"00".repeat(65)}`)).toBeUndefined();
    expect(recoverVoter(context, ballot, `0x${"ff".repeat(65)}`)).toBeUndefined();
  });

  it("keeps its signature in 64 bytes", async () => {
    for (const text of ["a", "b", "c", "d"]) {
      const signature = (await voter.signMessage(text)) as Hex;
      const compact = compactSignature(signature);
      expect(compact).toHaveLength(2 + 128);
      expect(Signature.from(compact).serialized).toBe(signature);
    }
  });
});

describe("what a BLS key signs", () => {
  it("is another digest for every other chain, governor, proposal and support, and no ballot of an account", () => {
    const { index: _, ...aggregate } = ballot;
    const digests = [
      hashAggregateBallot(context, aggregate),
      hashAggregateBallot({ ...context, chainId: 1 }, aggregate),
      hashAggregateBallot({ ...context, governor: "0x00000000000000000000000000000000000000A2" }, aggregate),
      hashAggregateBallot(context, { ...aggregate, proposalId: "8" }),
      hashAggregateBallot(context, { ...aggregate, support: 0 }),
      hashBallot(context, ballot),
      hashBallot(context, { ...ballot, index: 0 }),
    ];
    expect(new Set(digests).size).toBe(digests.length);
  });
});

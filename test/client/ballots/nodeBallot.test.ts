import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  aggregateBallots,
  checkBallots,
  type NodeBallot,
  packBallots,
  schemeOf,
} from "../../../src/client/ballots/nodeBallot.js";
import { indicesOf } from "../../../src/ports/chain/bitset.js";
import { encodeG2, loadBls } from "../../../src/ports/keys/index.js";
import type { Support } from "../../../src/records/index.js";

const ballot = (index: number, support: Support = "for", bytes = 64): NodeBallot => ({
  proposalId: "7",
  index,
  support,
  signature: new Uint8Array(bytes).fill(index & 0xff),
});

describe("ballots that are cast together", () => {
  it("are told apart by the length of their signatures", () => {
    expect([64, 96, 65, 0].map((bytes) => schemeOf(ballot(0, "for", bytes)))).toEqual([
      "account",
      "bls",
      undefined,
      undefined,
    ]);
    expect(checkBallots("7", [ballot(0), ballot(1)])).toBe("account");
    expect(checkBallots("7", [ballot(0, "for", 96)])).toBe("bls");
  });

  it.each([
    ["none", []],
    ["signed in two ways", [ballot(0), ballot(1, "for", 96)]],
    ["signed in no way", [ballot(0, "for", 65)]],
    ["on another proposal", [ballot(0), { ...ballot(1), proposalId: "8" }]],
    ["two of one node", [ballot(0), ballot(0, "against")]],
  ])("are refused: %s", (_what, ballots) => {
    expect(() => checkBallots("7", ballots)).toThrow(expect.objectContaining({ code: "invalid-input" }));
  });
});

describe("ballots of accounts", () => {
  it("are packed in the order of their indices, each with the length of its signature, in whatever order they come", () => {
    const packed = packBallots([ballot(258, "abstain"), ballot(3, "for"), ballot(4, "against")]);
    expect(packed).toBe(
      `0x00000003010040${"03".repeat(64)}00000004000040${"04".repeat(64)}00000102020040${"02".repeat(64)}`,
    );
    const indices = fc.uniqueArray(fc.nat(0xffff), { minLength: 1, maxLength: 8 });
    fc.assert(
      fc.property(indices, (some) => {
        const ballots = some.map((index) => ballot(index));
        expect(packBallots(ballots)).toBe(packBallots([...ballots].reverse()));
      }),
    );
  });

  it("leave the caller's list as it was", () => {
    const ballots = [ballot(2), ballot(1)];
    packBallots(ballots);
    expect(ballots.map(({ index }) => index)).toEqual([2, 1]);
  });
});

it("adds up BLS ballots, and sorts their nodes by what they say", async () => {
  const bls = await loadBls();
  const signature = bls.sign(new Uint8Array(32).fill(1), new Uint8Array(32));
  const cast = (["for", "against", "abstain", "for"] as const).map((support, index) => ({
    ...ballot(index, support),
    signature,
  }));
  const { signers, signature: sum } = await aggregateBallots(cast);
  expect([signers.forBits, signers.againstBits, signers.abstainBits].map(indicesOf)).toEqual([[0, 3], [1], [2]]);
  expect(sum).toEqual(encodeG2(bls.aggregate(cast.map((each) => each.signature))));
});

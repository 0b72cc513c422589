import { bls12_381 } from "@noble/curves/bls12-381.js";
import { concat, dataLength, dataSlice, Signature as EcdsaSignature, toBeHex, toBigInt } from "ethers";
import { beforeEach, describe, expect, it } from "vitest";
import { beginVote, castAggregate, expectRefused, INVALID } from "../../harness/contracts/attacks.js";
import { aggregate, type BallotContext, batchOf, signersOf } from "../../harness/contracts/ballots.js";
import { contracts, voterOf } from "../../harness/contracts/currentGovernance.js";
import { ethers } from "../../harness/contracts/deployGovernance.js";
import { decodeG2, encodeG2, fp, type G2, G2_INFINITY, ORDER, P } from "../../harness/contracts/eip2537.js";
import { type GovernanceHelper, Support } from "../../harness/contracts/governanceHelper.js";
import { revertOf } from "../../harness/contracts/reverts.js";

/** Where the two halves of its compact signature begin in an entry of a batch. */
const [R_AT, S_AT] = [7, 39];
/** The order of secp256k1. */
const SECP256K1 = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n;

let proposal: GovernanceHelper;
let context: BallotContext;

/** A vote among five nodes that has begun. */
beforeEach(async () => {
  ({ proposal, context } = await beginVote());
});

describe("A signature that is no signature", () => {
  const ballots = { for: [0, 1], against: [2] };
  let valid: string;
  beforeEach(() => {
    valid = aggregate(context, ballots);
  });

  it("is refused as infinity, for any claimed signers", async () => {
    for (const claimed of [{ for: [0] }, { against: [1] }, { abstain: [2] }, ballots, { for: [0, 1, 2, 3] }]) {
      await expectRefused(proposal, () => castAggregate(proposal, claimed, G2_INFINITY), INVALID);
    }
  });

  it("is refused outside the subgroup", async () => {
    const outside = cofactorPoint();
    expect(outside.isTorsionFree()).toBe(false);
    expect(() => outside.assertValidity()).toThrow();
    await expectRefused(proposal, () => castAggregate(proposal, ballots, encodeG2(outside)), INVALID);
    await expectRefused(
      proposal,
      () => castAggregate(proposal, ballots, encodeG2(decodeG2(valid).add(outside))),
      INVALID,
    );
    expect(encodeG2(decodeG2(valid))).toBe(valid);
    await castAggregate(proposal, ballots, valid);
  });

  it("is refused off the curve and negated", async () => {
    const { x, y } = decodeG2(valid).toAffine();
    await expectRefused(
      proposal,
      () => castAggregate(proposal, ballots, `0x${fp(x.c0 + 1n)}${fp(x.c1)}${fp(y.c0)}${fp(y.c1)}`),
      INVALID,
    );
    await expectRefused(proposal, () => castAggregate(proposal, ballots, encodeG2(decodeG2(valid).negate())), INVALID);
    await expectRefused(proposal, () => castAggregate(proposal, ballots, encodeG2(bls12_381.G2.Point.BASE)), INVALID);
  });

  it("is refused with field elements that are not reduced, the same point written otherwise", async () => {
    for (const i of [0, 1, 2, 3]) {
      const element = toBigInt(dataSlice(valid, 64 * i, 64 * i + 64));
      for (const same of [element + P, element + (1n << 384n), element + (1n << 511n)]) {
        const written = concat([dataSlice(valid, 0, 64 * i), `0x${fp(same)}`, dataSlice(valid, 64 * i + 64)]);
        await expectRefused(proposal, () => castAggregate(proposal, ballots, written), INVALID);
      }
    }
    expect(dataLength(valid)).toBe(256);
  });

  it("is refused of any other length", async () => {
    const unpadded = concat([0, 1, 2, 3].map((i) => dataSlice(valid, 64 * i + 16, 64 * i + 64)));
    const others = ["0x", "0x00", dataSlice(valid, 0, 255), `${valid}00`, unpadded, concat([valid, valid])];
    for (const other of [...others, dataSlice(valid, 0, 128), dataSlice(valid, 0, 96)]) {
      await expectRefused(proposal, () => castAggregate(proposal, ballots, other), INVALID);
    }
  });

  it("is refused when zero words follow the sets, or words that cannot be", async () => {
    const { forBits, againstBits, abstainBits } = signersOf(ballots);
    for (const [signers, words] of [
      [{ forBits: [...forBits, 0n], againstBits, abstainBits }, 2n],
      [{ forBits, againstBits: [...againstBits, 0n], abstainBits }, 2n],
      [{ forBits, againstBits, abstainBits: [0n] }, 1n],
      [{ forBits, againstBits, abstainBits: [0n, 0n, 0n] }, 3n],
      [{ forBits: [...forBits, 1n], againstBits, abstainBits }, 2n],
      [{ forBits: [...forBits, 0n, 1n], againstBits, abstainBits }, 3n],
      [{ forBits, againstBits: [...againstBits, 1n << 255n], abstainBits }, 2n],
      [{ forBits, againstBits, abstainBits: [0n, 1n] }, 2n],
    ] as const) {
      const written = {
        forBits: [...signers.forBits],
        againstBits: [...signers.againstBits],
        abstainBits: [...signers.abstainBits],
      };
      await expectRefused(proposal, () => contracts.governor.castVotesByAggregate(proposal.id, written, valid), [
        "BitmapMalformed",
        words,
      ]);
    }
    await castAggregate(proposal, ballots, valid);
  });
});

describe("A malformed batch", () => {
  const bring = (batch: string) => contracts.governor.castVotesBySig(proposal.id, batch);
  const entry = (index: number, support: number = Support.for, signer = voterOf(index)) =>
    batchOf(context, [{ index, support, voter: signer }]);

  it("is refused with the other of two equivalent signatures", async () => {
    const good = await entry(0);
    const yParityAndS = toBigInt(dataSlice(good, S_AT));
    const [parity, s] = [yParityAndS >> 255n, yParityAndS & ((1n << 255n) - 1n)];
    const high = SECP256K1 - s;
    // Where a high s reaches the bit of the parity, a decoder reads another s: neither counts.
    for (const written of [high, high ^ (1n << 255n), (high & ((1n << 255n) - 1n)) | ((1n - parity) << 255n)]) {
      const other = concat([dataSlice(good, 0, S_AT), toBeHex(written, 32)]);
      await expectRefused(proposal, () => bring(other), ["NodeRegistryInvalidSignatureOf", 0n]);
    }
    await bring(good);
  });

  it("is refused with the other parity, or with zeros for a signature", async () => {
    const good = await entry(1);
    const flipped = toBigInt(dataSlice(good, S_AT)) ^ (1n << 255n);
    for (const bad of [
      concat([dataSlice(good, 0, S_AT), toBeHex(flipped, 32)]),
      concat([dataSlice(good, 0, S_AT), ethers.ZeroHash]),
      concat([dataSlice(good, 0, R_AT), ethers.ZeroHash, dataSlice(good, S_AT)]),
      concat([dataSlice(good, 0, R_AT), ethers.ZeroHash, ethers.ZeroHash]),
    ]) {
      await expectRefused(proposal, () => bring(bad), ["NodeRegistryInvalidSignatureOf", 1n]);
    }
  });

  it("is refused at any length that is not a number of entries", async () => {
    const both = concat([await entry(0), await entry(1)]);
    expect(dataLength(both)).toBe(142);
    for (const bad of ["0x00", dataSlice(both, 0, 70), dataSlice(both, 0, 72), dataSlice(both, 0, 141), `${both}00`]) {
      await expectRefused(proposal, () => bring(bad), INVALID);
    }
    await bring(both);
  });

  it("is refused with a length that is not that of its signature", async () => {
    const good = await entry(0);
    const signature = dataSlice(good, R_AT);
    const written = (length: number, ...parts: string[]) =>
      concat([dataSlice(good, 0, 5), toBeHex(length, 2), signature, ...parts]);
    for (const beyond of [65, 71, 2 ** 16 - 1]) await expectRefused(proposal, () => bring(written(beyond)), INVALID);
    for (const [length, ...parts] of [
      [65, "0x00"],
      [65, "0x1d"],
      [128, signature],
    ] as const) {
      const refusal = ["NodeRegistryInvalidSignatureOf", 0n];
      await expectRefused(proposal, () => bring(written(length, ...parts)), refusal);
    }
    const empty = concat([dataSlice(good, 0, 5), "0x0000"]);
    await expectRefused(proposal, () => bring(empty), ["NodeRegistryInvalidSignatureOf", 0n]);
    // What follows a signature that is cut is the next entry, of the same node or of none.
    const refusal = await revertOf(bring(written(57)));
    expect(refusal?.[0]).toBe("NodeRegistryInvalidSignatureOf");
    await bring(good);
  });

  it("is refused with an index twice or out of order", async () => {
    const [zero, one, oneAgainst, two] = [await entry(0), await entry(1), await entry(1, 0), await entry(2)];
    for (const [entries, index] of [
      [[one, one], 1n],
      [[one, oneAgainst], 1n],
      [[zero, one, two, one], 1n],
      [[one, zero], 0n],
      [[two, zero, one], 0n],
    ] as const) {
      await expectRefused(proposal, () => bring(concat(entries)), ["NodeRegistryUnsortedSigner", index]);
    }
  });

  it("is refused with an unknown support", async () => {
    for (const support of [3, 4, 255]) {
      const bad = await entry(2, support);
      await expectRefused(proposal, () => bring(bad), ["NodeRegistryInvalidSignatureOf", 2n]);
    }
  });

  it("is refused of indices that are not in the committee", async () => {
    for (const [index, word, bit] of [
      [5, 0n, 1n << 5n],
      [256, 1n, 1n],
      [300, 1n, 1n << 44n],
      [2 ** 32 - 1, 2n ** 24n - 1n, 1n << 255n],
    ] as const) {
      const bad = concat([await entry(0), await entry(index, Support.for, voterOf(1))]);
      await expectRefused(proposal, () => bring(bad), ["NodeRegistryNotMembers", word, bit]);
    }
  });

  it("is refused when another account has signed, and all of it with one bad ballot", async () => {
    for (const signer of [voterOf(1), contracts.stranger]) {
      const bad = await entry(0, Support.for, signer);
      await expectRefused(proposal, () => bring(bad), ["NodeRegistryInvalidSignatureOf", 0n]);
      const hidden = concat([bad, await entry(1), await entry(2)]);
      await expectRefused(proposal, () => bring(hidden), ["NodeRegistryInvalidSignatureOf", 0n]);
    }
    const last = concat([await entry(0), await entry(1), await entry(3, Support.for, voterOf(2))]);
    await expectRefused(proposal, () => bring(last), ["NodeRegistryInvalidSignatureOf", 3n]);
  });
});

describe("A malformed signature of one vote", () => {
  it("is refused malleated, cut or lengthened", async () => {
    const voter = voterOf(0);
    const { r, s, v, serialized, yParityAndS } = EcdsaSignature.from(await signBallot(0));
    const highS = toBeHex(SECP256K1 - toBigInt(s), 32);
    const others = [concat([r, highS, toBeHex(55 - v, 1)]), concat([r, highS, toBeHex(v, 1)])];
    const zeros = [concat([ethers.ZeroHash, ethers.ZeroHash, "0x1b"]), concat([r, ethers.ZeroHash, toBeHex(v, 1)])];
    const otherParity = concat([r, toBeHex(toBigInt(yParityAndS) ^ (1n << 255n), 32)]);
    const lengths = ["0x", dataSlice(serialized, 0, 63), `${serialized}00`, otherParity];
    for (const bad of [...others, ...zeros, ...lengths, concat([r, s, toBeHex(v - 27, 1)])]) {
      const cast = () => contracts.governor.castVoteBySig(proposal.id, Support.for, voter, bad);
      await expectRefused(proposal, cast, ["GovernorInvalidSignature", voter.address]);
    }
    await contracts.governor.castVoteBySig(proposal.id, Support.for, voter, serialized);
  });

  it("is refused for a node that did not sign, and for an account that is no member", async () => {
    const { governor, stranger } = contracts;
    const signature = await signBallot(0);
    const foreign = () => governor.castVoteBySig(proposal.id, Support.for, voterOf(1), signature);
    await expectRefused(proposal, foreign, ["GovernorInvalidSignature", voterOf(1).address]);
    for (const outsider of [signature, await signBallot(0, stranger)]) {
      const cast = () => governor.castVoteBySig(proposal.id, Support.for, stranger, outsider);
      await expectRefused(proposal, cast, ["GovernorNotMember", stranger.address, 1n]);
    }
    // An address that recovery of a bad signature would give.
    const nobody = () => governor.castVoteBySig(proposal.id, Support.for, ethers.ZeroAddress, `0x${"00".repeat(65)}`);
    await expectRefused(proposal, nobody, ["GovernorNotMember", ethers.ZeroAddress, 1n]);
  });

  /** A ballot For. */
  async function signBallot(index: number, voter = voterOf(index)): Promise<string> {
    const entry = await batchOf(context, [{ index, support: Support.for, voter }]);
    return EcdsaSignature.from(dataSlice(entry, R_AT)).serialized;
  }
});

/** A point on the curve of G2 whose order divides the cofactor. */
function cofactorPoint(): G2 {
  const { Fp2 } = bls12_381.fields;
  const b = Fp2.fromBigTuple([4n, 4n]);
  for (let i = 1n; ; i++) {
    const x = Fp2.fromBigTuple([i, 0n]);
    const square = Fp2.add(Fp2.mul(Fp2.sqr(x), x), b);
    try {
      const point = bls12_381.G2.Point.fromAffine({ x, y: Fp2.sqrt(square) });
      const cleared = point.multiplyUnsafe(ORDER - 1n).add(point);
      if (!cleared.is0()) return cleared;
    } catch {
      // No square: there is no such point.
    }
  }
}

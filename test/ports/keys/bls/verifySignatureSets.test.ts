import { bls12_381 } from "@noble/curves/bls12-381.js";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createBlsKey, type SignatureSet, verifySignatureSets } from "../../../../src/ports/keys/index.js";
import {
  againstDigest,
  ballotOf,
  ballotsOfAll,
  digestOf,
  forDigest,
  libraries,
  native,
  type Support,
} from "./ballots.js";

/** Adds `delta` to a signature. */
function shifted({ signature, ...ballot }: SignatureSet, delta: typeof bls12_381.G2.Point.BASE): SignatureSet {
  return { ...ballot, signature: bls12_381.G2.Point.fromBytes(signature).add(delta).toBytes(true) };
}

describe("ballots in bulk", () => {
  const secrets = Array.from({ length: 40 }, (_, i) =>
    digestOf(`node ${i}`).map((byte, j) => (j ? byte : byte & 0x3f)),
  );
  const supports: Support[] = ["for", "for", "against", "abstain"];
  const ballots = secrets.map((secret, i) => ballotOf(secret, supports[i % 4] ?? "for"));

  it.each(libraries)("are found good by $name in one check", async (bls) => {
    expect(await verifySignatureSets(bls, ballots)).toEqual({ bad: [], checks: 1 });
    expect(await verifySignatureSets(bls, [])).toEqual({ bad: [], checks: 0 });
  });

  it.each(libraries)("do not make each other good by $name, as in a plain sum they would", async (bls) => {
    const delta = bls12_381.G2.Point.BASE;
    const [first, second, ...others] = secrets.slice(0, 4).map((secret) => ballotOf(secret, "for"));
    if (first === undefined || second === undefined) throw new Error("unreachable");
    const lot = [shifted(first, delta), shifted(second, delta.negate()), ...others];

    // Two signatures that nobody made, and yet their sum verifies.
    const sum = bls.aggregate(lot.map(({ signature }) => signature));
    expect(bls.verify([{ keys: lot.map(({ key }) => key), digest: forDigest }], sum)).toBe(true);
    expect((await verifySignatureSets(bls, lot)).bad).toEqual([0, 1]);
  });

  it("do not make each other good across supports either", async () => {
    const delta = bls12_381.G2.Point.BASE;
    const [one, other] = [ballotOf(createBlsKey(), "for"), ballotOf(createBlsKey(), "abstain")];
    const lot = [...ballots, shifted(one, delta), shifted(other, delta.negate())];
    expect((await verifySignatureSets(native, lot)).bad).toEqual([ballots.length, ballots.length + 1]);
  });

  it("are told from the bad ones, wherever these are and whatever is wrong with them", async () => {
    const fault = fc.constantFrom<(ballot: SignatureSet) => SignatureSet>(
      (ballot) => ({ ...ballot, signature: native.sign(createBlsKey(), forDigest) }),
      (ballot) => ({ ...ballot, digests: ballot.digests === ballotsOfAll.for ? [againstDigest] : [forDigest] }),
      (ballot) => ({ ...ballot, key: native.publicKey(createBlsKey()) }),
      (ballot) => ({ ...ballot, signature: ballot.signature.slice(1) }),
      (ballot) => ({ ...ballot, key: new Uint8Array(128) }),
      (ballot) => ({ ...ballot, digests: [] }),
      (ballot) => ({ ...ballot, digests: [new Uint8Array(31)] }),
    );
    const faults = fc.dictionary(fc.nat(ballots.length - 1).map(String), fault);
    await fc.assert(
      fc.asyncProperty(fc.nat(ballots.length), faults, async (count, faults) => {
        const lot = ballots.slice(0, count).map((ballot, i) => faults[i]?.(ballot) ?? ballot);
        const expected = lot.flatMap((_, i) => (faults[i] === undefined ? [] : [i]));
        const { bad, checks } = await verifySignatureSets(native, lot);
        expect(bad).toEqual(expected);
        expect(checks).toBeLessThanOrEqual(2 * count);
      }),
      { numRuns: 40 },
    );
  });

  it.each(libraries)("hide one bad one from $name for a few checks only", async (bls) => {
    const lot = ballots.with(17, {
      ...(ballots[17] as SignatureSet),
      signature: ballots[16]?.signature ?? new Uint8Array(),
    });
    const { bad, checks } = await verifySignatureSets(bls, lot);
    expect(bad).toEqual([17]);
    expect(checks).toBeLessThan(14);
  });

  it("are left when the caller has gone", async () => {
    const controller = new AbortController();
    const verdict = verifySignatureSets(native, ballots, { signal: controller.signal });
    controller.abort(new Error("stopped"));
    await expect(verdict).rejects.toThrow("stopped");
  });
});

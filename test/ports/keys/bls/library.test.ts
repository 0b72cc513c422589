import { getBytes, hexlify } from "ethers";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type BlsLibrary, createBlsKey, type SignatureSet } from "../../../../src/ports/keys/index.js";
import { againstDigest, ballotOf, digest, forDigest, libraries, native, pure, secret, support } from "./ballots.js";

describe("a BLS library", () => {
  it.each(libraries)("$name signs as the tests of Ethereum's consensus have it", (bls) => {
    const secret = getBytes("0x263dbd792f5b1be47ed85f8938c0f29586af0d3ac7b977f21c278fe1462040e3");
    expect(hexlify(bls.sign(secret, new Uint8Array(32)))).toBe(
      "0xb6ed936746e01f8ecf281f020953fbf1f01debd5657c4a383940b020b26507f6076334f91e2366c96e9ab279fb5158090352ea1c5b0c9274504f4f0e7053af24802e51e4568d164fe986834f41e55c8e850ce1f98458c0cfc9ab380b55285a55",
    );
  });

  it.each(libraries)("$name refuses what is no secret, no digest and no signature, by name", (bls) => {
    const invalidKey = expect.objectContaining({ code: "invalid-key" });
    for (const secret of [new Uint8Array(0), new Uint8Array(32), new Uint8Array(32).fill(255)]) {
      expect(() => bls.sign(secret, forDigest)).toThrow(invalidKey);
      expect(() => bls.publicKey(secret)).toThrow(invalidKey);
    }
    const secret = createBlsKey();
    const short = forDigest.slice(1);
    expect(() => bls.sign(secret, short)).toThrow(expect.objectContaining({ code: "invalid-input" }));
    expect(bls.verify([{ keys: [bls.publicKey(secret)], digest: short }], bls.sign(secret, forDigest))).toBe(false);
    expect(() => bls.aggregate([])).toThrow(expect.objectContaining({ code: "invalid-signature" }));
  });

  it.each(libraries)("$name takes neither keys nor signatures that cancel out", (bls) => {
    const secret = createBlsKey();
    const key = bls.publicKey(secret);
    const signature = bls.sign(secret, forDigest);
    const negated = (point: Uint8Array) => point.map((byte, i) => (i === 0 ? byte ^ 0x20 : byte));
    expect(() => bls.aggregate([signature, negated(signature)])).toThrow(
      expect.objectContaining({ code: "invalid-signature" }),
    );
    expect(bls.verify([{ keys: [key, negated(key)], digest: forDigest }], signature)).toBe(false);
    // Such a claim is not left out of those that are checked.
    const claims = [
      { keys: [key, negated(key)], digest: againstDigest },
      { keys: [key], digest: forDigest },
    ];
    expect(bls.verify(claims, signature)).toBe(false);
  });

  it("gives the same keys, signatures and sums in both implementations", () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(secret, digest), { minLength: 1, maxLength: 4 }), (signers) => {
        const [theirs, ours] = libraries.map((bls) => {
          const signatures = signers.map(([secret, digest]) => bls.sign(secret, digest));
          const keys = signers.map(([secret]) => bls.publicKey(secret));
          return { keys, signatures, sum: bls.aggregate(signatures) };
        });
        expect(ours).toEqual(theirs);
      }),
      { numRuns: 10 },
    );
  });

  it("gives the same verdict in both implementations, whichever bits are altered", () => {
    const where = fc.constantFrom("key", "signature", "digest", "nowhere");
    fc.assert(
      fc.property(secret, support, where, fc.nat(767), (secret, support, altered, bit) => {
        const { key, digests, signature } = ballotOf(secret, support);
        const alter = (bytes: Uint8Array, name: string) =>
          bytes.map((byte, i) =>
            name === altered && i === (bit >> 3) % bytes.length ? byte ^ (1 << (bit & 7)) : byte,
          );
        const claims = digests.map((digest) => ({ keys: [alter(key, "key")], digest: alter(digest, "digest") }));
        const verdicts = libraries.map((bls) => bls.verify(claims, alter(signature, "signature")));
        const valid = altered === "nowhere";
        expect(verdicts).toEqual([valid, valid]);
      }),
      { numRuns: 40 },
    );
  });

  it("takes the same bytes for points in both implementations", () => {
    const bytes = fc.oneof(
      fc.uint8Array({ maxLength: 200 }),
      fc.uint8Array({ minLength: 96, maxLength: 96 }),
      fc.uint8Array({ minLength: 48, maxLength: 48 }),
      // An x with its flags: every other one is on the curve, hardly any in the subgroup.
      fc.uint8Array({ minLength: 48, maxLength: 48 }).map((x) => x.map((byte, i) => (i ? byte : (byte & 0x2f) | 0x80))),
    );
    const good = ballotOf(createBlsKey(), "for");
    const codeOf = (bls: BlsLibrary, ballot: SignatureSet) => {
      try {
        bls.decodeSignatureSet(ballot);
        return "good";
      } catch (error) {
        return (error as { code?: unknown }).code;
      }
    };
    fc.assert(
      fc.property(bytes, (bytes) => {
        for (const ballot of [
          { ...good, key: bytes },
          { ...good, signature: bytes },
        ]) {
          expect(codeOf(pure, ballot)).toBe(codeOf(native, ballot));
        }
      }),
      { numRuns: 150 },
    );
  });
});

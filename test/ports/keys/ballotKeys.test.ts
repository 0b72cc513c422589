import { bls12_381 } from "@noble/curves/bls12-381.js";
import { getBytes, hexlify, sha256, toUtf8Bytes } from "ethers";
import fc from "fast-check";
import { afterEach, describe, expect, it, vi } from "vitest";
import { createNoble, loadBlst } from "../../../src/ports/keys/bls/index.js";
import { PublicKeyCache } from "../../../src/ports/keys/bls/publicKeyCache.js";
import {
  type BlsLibrary,
  createBlsKey,
  loadBls,
  type SignatureSet,
  verifySignatureSets,
} from "../../../src/ports/keys/index.js";

const native = await loadBlst();
const pure = createNoble();
const libraries = [native, pure];

const digestOf = (text: string) => getBytes(sha256(toUtf8Bytes(text)));
const [forDigest, againstDigest] = [digestOf("for"), digestOf("against")];
const ballotsOfAll = { for: [forDigest], against: [againstDigest], abstain: [forDigest, againstDigest] };
type Support = keyof typeof ballotsOfAll;

const ORDER = bls12_381.fields.Fr.ORDER;
const secret = fc
  .bigInt({ min: 1n, max: ORDER - 1n })
  .map((scalar) => getBytes(`0x${scalar.toString(16).padStart(64, "0")}`));
const digest = fc.uint8Array({ minLength: 32, maxLength: 32 });
const support = fc.constantFrom<Support>("for", "against", "abstain");

function ballotOf(secret: Uint8Array, support: Support, bls: BlsLibrary = native): SignatureSet {
  const digests = ballotsOfAll[support];
  const signature = bls.aggregate(digests.map((digest) => bls.sign(secret, digest)));
  return { key: bls.publicKey(secret), digests, signature };
}

/** Adds `delta` to a signature. */
function shifted({ signature, ...ballot }: SignatureSet, delta: typeof bls12_381.G2.Point.BASE): SignatureSet {
  return { ...ballot, signature: bls12_381.G2.Point.fromBytes(signature).add(delta).toBytes(true) };
}

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

describe("loading", () => {
  afterEach(() => {
    vi.doUnmock("@chainsafe/blst");
    vi.resetModules();
  });

  it("gives blst where it is installed", async () => {
    expect((await loadBls()).name).toBe("blst");
  });

  it("gives noble where blst does not load", async () => {
    vi.resetModules();
    vi.doMock("@chainsafe/blst", () => {
      throw new Error("Cannot find module '@chainsafe/blst-plan9-riscv64'");
    });
    const again = await import("../../../src/ports/keys/bls/index.js");
    const bls = await again.loadBls();
    expect(bls.name).toBe("noble");
    const { key, signature } = ballotOf(createBlsKey(), "for");
    expect(bls.verify([{ keys: [key], digest: forDigest }], signature)).toBe(true);
  });
});

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

describe("a key ring", () => {
  it("decodes a key once, and again once it was dropped", () => {
    const decode = vi.fn((bytes: Uint8Array) => hexlify(bytes));
    const ring = new PublicKeyCache(decode, 2);
    const [a, b, c] = [Uint8Array.of(1), Uint8Array.of(2), Uint8Array.of(3)];
    expect([a, b, a, b].map((bytes) => ring.get(bytes))).toEqual(["0x01", "0x02", "0x01", "0x02"]);
    expect(decode).toHaveBeenCalledTimes(2);
    ring.get(c);
    ring.get(b);
    expect(decode).toHaveBeenCalledTimes(3);
    ring.get(a);
    expect(decode).toHaveBeenCalledTimes(4);
  });

  it("does not keep what is no key", () => {
    const decode = vi.fn(() => {
      throw new Error("no key");
    });
    const ring = new PublicKeyCache(decode);
    for (let i = 0; i < 2; i++) expect(() => ring.get(new Uint8Array(48))).toThrow("no key");
    expect(decode).toHaveBeenCalledTimes(2);
  });
});

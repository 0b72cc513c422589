import { getBytes, hexlify } from "ethers";
import { beforeAll, describe, expect, it } from "vitest";
import { loadBlst } from "../../../../src/ports/keys/bls/blst.js";
import type { BlsLibrary, SignatureSet } from "../../../../src/ports/keys/bls/library.js";
import { createNoble } from "../../../../src/ports/keys/bls/noble.js";

const secrets = [1, 2, 3].map((byte) => new Uint8Array(32).fill(byte));
const digest = new Uint8Array(32).fill(9);
const other = new Uint8Array(32).fill(8);

let bls: BlsLibrary;
let keys: Uint8Array[];
let signatures: Uint8Array[];
beforeAll(async () => {
  bls = await loadBlst();
  keys = secrets.map((secret) => bls.publicKey(secret));
  signatures = secrets.map((secret) => bls.sign(secret, digest));
});

const verified = (sets: readonly Partial<SignatureSet>[]) =>
  bls.verifyDecoded(
    sets.map((set, i) =>
      bls.decodeSignatureSet({ key: keys[i] ?? digest, digests: [digest], signature: signatures[i] ?? digest, ...set }),
    ),
  );

describe("blst", () => {
  it("says what it is", () => expect(bls.name).toBe("blst"));

  it("signs as Ethereum's consensus tests say", () => {
    const secret = getBytes("0x263dbd792f5b1be47ed85f8938c0f29586af0d3ac7b977f21c278fe1462040e3");
    expect(hexlify(bls.publicKey(secret))).toBe(
      "0xa491d1b0ecd9bb917989f0e74f0dea0422eac4a873e5e2644f368dffb9a6e20fd6e10c1b77654d067c0618f6e5a7f79a",
    );
    expect(hexlify(bls.sign(secret, new Uint8Array(32)))).toBe(
      "0xb6ed936746e01f8ecf281f020953fbf1f01debd5657c4a383940b020b26507f6076334f91e2366c96e9ab279fb5158090352ea1c5b0c9274504f4f0e7053af24802e51e4568d164fe986834f41e55c8e850ce1f98458c0cfc9ab380b55285a55",
    );
  });

  it("sums up keys and signatures as noble does", () => {
    const noble = createNoble();
    const sum = bls.aggregate(signatures);
    expect(noble.aggregate(signatures)).toEqual(sum);
    expect(bls.verify([{ keys, digest }], sum)).toBe(true);
    expect(bls.verify([{ keys: keys.slice(1), digest }], sum)).toBe(false);
  });

  it("verifies many ballots at once, over the same digests or over others", () => {
    expect(verified([{}, {}, {}])).toBe(true);
    const signature = bls.sign(secrets[2] ?? digest, other);
    expect(verified([{}, {}, { digests: [other], signature }])).toBe(true);
    expect(verified([{}, {}, { digests: [other] }])).toBe(false);
  });

  it("does not let the errors of two ballots cancel out, as they do in a plain sum", () => {
    const [first, second] = signatures;
    const swapped = [{ signature: second ?? digest }, { signature: first ?? digest }];
    expect(bls.verify([{ keys: keys.slice(0, 2), digest }], bls.aggregate(signatures.slice(0, 2)))).toBe(true);
    // Each time with other random factors.
    for (let i = 0; i < 3; i++) expect(verified(swapped)).toBe(false);
  });

  it("takes infinity for neither a key nor a signature, and refuses signatures that cancel out", () => {
    const infinity = (length: number) => Uint8Array.from({ length }, (_, i) => (i === 0 ? 0xc0 : 0));
    expect(() => verified([{ key: infinity(48) }])).toThrow(expect.objectContaining({ code: "invalid-public-key" }));
    const refused = expect.objectContaining({ code: "invalid-signature" });
    expect(() => verified([{ signature: infinity(96) }])).toThrow(refused);
    const [signature = digest] = signatures;
    const negated = signature.map((byte, i) => (i === 0 ? byte ^ 0x20 : byte));
    expect(() => bls.aggregate([signature, negated])).toThrow(refused);
  });

  it("finds that keys which cancel out have signed nothing", () => {
    const [key = digest] = keys;
    const negated = key.map((byte, i) => (i === 0 ? byte ^ 0x20 : byte));
    expect(bls.verify([{ keys: [key, negated], digest }], signatures[0] ?? digest)).toBe(false);
  });
});

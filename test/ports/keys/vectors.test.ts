import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { getBytes, hexlify } from "ethers";
import { network } from "hardhat";
import { describe, expect, it } from "vitest";
import { buildVectors, type Case, type Encoded, type Vectors } from "../../../scripts/vectors/bls.js";
import {
  BALLOT_SUITE,
  createNoble,
  decodeG1,
  encodeG1,
  encodeG2,
  loadBlst,
  verifySignatureSets,
} from "../../../src/ports/keys/bls/index.js";
import { precompiles } from "./precompiles.js";

const path = join(import.meta.dirname, "../../vectors/bls.json");
const vectors = JSON.parse(await readFile(path, "utf8")) as Vectors;
const libraries = [await loadBlst(), createNoble()];
const { ethers } = await network.create();
const chain = precompiles(ethers.provider);

const keyNamed = (name: string) => vectors.keys[name] as Encoded & { readonly secret?: string };
const forAndAgainst = [getBytes(vectors.digests.for), getBytes(vectors.digests.against)] as const;
const nodes = Object.values(vectors.keys).filter((key) => key.secret !== undefined);
const casesOf = vectors.cases.map((vector) => [vector.name, vector] as const);

/** The case's claims, with its keys in one of their forms. */
function claimsOf({ claims }: Case, form: keyof Encoded) {
  return claims.map(({ keys, digest }) => ({
    keys: keys.map((name) => getBytes(keyNamed(name)[form])),
    digest: getBytes(vectors.digests[digest]),
  }));
}

describe("the vectors of BLS12-381", () => {
  it("are what the script writes", () => {
    expect(vectors).toEqual(buildVectors());
    expect(vectors.suite).toBe(BALLOT_SUITE);
  });

  it.each(casesOf)("%s: both libraries and the precompiles agree", async (_, vector) => {
    const { valid, signature } = vector;
    const [compressed, eip2537] = [claimsOf(vector, "compressed"), claimsOf(vector, "eip2537")];
    for (const bls of libraries) {
      expect([bls.name, bls.verify(compressed, getBytes(signature.compressed))]).toEqual([bls.name, valid]);
      expect([bls.name, bls.verify(eip2537, getBytes(signature.compressed))]).toEqual([bls.name, valid]);
    }
    expect(await chain.verify(eip2537, getBytes(signature.eip2537))).toBe(valid);
  });

  it.each(libraries)("$name makes the same keys, signatures and sums", (bls) => {
    for (const { secret = "", compressed } of nodes) {
      expect(hexlify(bls.publicKey(getBytes(secret)))).toBe(compressed);
    }
    // A node signs the same in many cases.
    const signed = new Map<string, Uint8Array>();
    const sign = (key: string, digest: "for" | "against") => {
      const known = signed.get(`${key} ${digest}`);
      const signature = known ?? bls.sign(getBytes(keyNamed(key).secret ?? ""), getBytes(vectors.digests[digest]));
      signed.set(`${key} ${digest}`, signature);
      return signature;
    };
    for (const { name, claims, signature, valid } of vectors.cases) {
      if (!valid) continue;
      const signatures = claims.flatMap(({ keys, digest }) => keys.map((key) => sign(key, digest)));
      expect([name, hexlify(bls.aggregate(signatures))]).toEqual([name, signature.compressed]);
    }
  });

  it("are added up by the precompiles as by the libraries", async () => {
    const [bls] = libraries;
    const signatures = nodes.slice(0, 5).map(({ secret = "" }) => bls?.sign(getBytes(secret), forAndAgainst[0]));
    const sum = await chain.addSignatures(signatures.map((signature) => encodeG2(signature ?? new Uint8Array())));
    const expected = vectors.cases.find(({ name }) => name === "5 for");
    expect(hexlify(sum)).toBe(expected?.signature.eip2537);
  });

  it.each(libraries)("$name finds the same bad ballots in bulk", async (bls) => {
    const ballots = vectors.cases
      .filter(({ claims }) => claims.length > 0 && claims.every(({ keys }) => keys.length === 1))
      .filter(({ claims }) => new Set(claims.flatMap(({ keys }) => keys)).size === 1)
      .map((vector) => ({
        valid: vector.valid,
        key: getBytes(keyNamed(vector.claims[0]?.keys[0] ?? "").eip2537),
        digests: vector.claims.map(({ digest }) => getBytes(vectors.digests[digest])),
        signature: getBytes(vector.signature.compressed),
      }));
    const { bad } = await verifySignatureSets(bls, ballots);
    expect(bad).toEqual(ballots.flatMap(({ valid }, position) => (valid ? [] : [position])));
    expect(bad.length).toBeGreaterThan(20);
  });
});

describe("the encodings", () => {
  it("lead from the compressed form to EIP-2537's, and for keys back", () => {
    for (const { compressed, eip2537 } of nodes) {
      expect(hexlify(encodeG1(getBytes(compressed)))).toBe(eip2537);
      expect(hexlify(decodeG1(getBytes(eip2537)))).toBe(compressed);
    }
    for (const { signature } of vectors.cases.filter(({ valid }) => valid)) {
      expect(hexlify(encodeG2(getBytes(signature.compressed)))).toBe(signature.eip2537);
    }
  });

  const strange = Object.entries(vectors.keys).filter(([, key]) => key.secret === undefined);
  it.each(strange)("refuse a key %s", (_, { compressed, eip2537 }) => {
    const refusal = expect.objectContaining({ code: "invalid-public-key" });
    expect(() => encodeG1(getBytes(compressed))).toThrow(refusal);
    expect(() => decodeG1(getBytes(eip2537))).toThrow(refusal);
    for (const bls of libraries) {
      for (const key of [compressed, eip2537].map((form) => getBytes(form))) {
        const ballot = { key, digests: [forAndAgainst[0]], signature: new Uint8Array(96) };
        expect(() => bls.decodeSignatureSet(ballot)).toThrow(refusal);
      }
    }
  });

  const malformed = vectors.cases.filter(
    ({ name }) => name.startsWith("a signature ") && !/negated|doubled/.test(name),
  );
  it.each(malformed)("refuse $name", ({ signature }) => {
    const refusal = expect.objectContaining({ code: "invalid-signature" });
    expect(() => encodeG2(getBytes(signature.compressed))).toThrow(refusal);
    for (const bls of libraries) expect(() => bls.aggregate([getBytes(signature.compressed)])).toThrow(refusal);
  });

  it("take the sign of y from the flags alone", () => {
    const { compressed } = keyNamed("node 1");
    const bytes = getBytes(compressed);
    bytes[0] = (bytes[0] ?? 0) ^ 0x20;
    const [one, other] = [encodeG1(getBytes(compressed)), encodeG1(bytes)];
    expect(one.slice(0, 64)).toEqual(other.slice(0, 64));
    expect(one.slice(64)).not.toEqual(other.slice(64));
  });
});

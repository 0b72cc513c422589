// Writes test/vectors/bls.json, deterministically: node --import tsx scripts/vectors/bls.ts
import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { bls12_381 } from "@noble/curves/bls12-381.js";
import { sha256, toBeHex, toBigInt, toUtf8Bytes } from "ethers";

const { G1, G2 } = bls12_381;
const { Fp, Fp2, Fr } = bls12_381.fields;
const SUITE = "BLS_SIG_BLS12381G2_XMD:SHA-256_SSWU_RO_POP_";
const SIGNERS = 50;
/** Of the tables of multiples. */
const WINDOW_BITS = 5;
const FIELD_MASK = (1n << 381n) - 1n;

type Key = typeof G1.Point.BASE;
type Signature = typeof G2.Point.BASE;

/** A valid or invalid encoding of a point: compressed as in Ethereum's consensus, and as in EIP-2537. */
export interface Encoded {
  compressed: string;
  eip2537: string;
}

/** Claims about a signature, and whether they hold. Each claims that these keys, by name, signed this digest. */
export interface Case {
  name: string;
  claims: { keys: string[]; digest: "for" | "against" }[];
  signature: Encoded;
  valid: boolean;
}

export interface Vectors {
  suite: string;
  digests: { for: string; against: string };
  /** By name. Entries without a secret are not valid keys. */
  keys: Record<string, Encoded & { secret?: string }>;
  cases: Case[];
}

const digests = {
  for: sha256(toUtf8Bytes("witan/vectors/for")),
  against: sha256(toUtf8Bytes("witan/vectors/against")),
};
type Support = keyof typeof digests;

/** The secret of a name: its sha-256, modulo the group's order. */
function secretOf(name: string): bigint {
  return Fr.create(toBigInt(sha256(toUtf8Bytes(`witan/vectors/${name}`))));
}

/** The digest's point. Many secrets multiply it, so that a table of its multiples is worth its price. */
function hashed(support: Support): Signature {
  const point = G2.hashToCurve(Buffer.from(digests[support].slice(2), "hex"), { DST: SUITE }) as Signature;
  return point.precompute(WINDOW_BITS);
}
const points = { for: hashed("for"), against: hashed("against") };

function signOne(name: string, support: Support): Signature {
  return points[support].multiply(secretOf(name));
}

function sum(signatures: readonly Signature[]): Signature {
  return signatures.reduce((a, b) => a.add(b));
}

/** A field element as the precompiles have it: 64 bytes. */
function wide(value: bigint): string {
  return toBeHex(value, 64).slice(2);
}

/** A field element with the three flags above it: 48 bytes. */
function flagged(value: bigint, flags: bigint): string {
  return toBeHex(value | (flags << 381n), 48).slice(2);
}

/** The flags: compressed, infinity, the greater y. */
function flagsOf(greater: boolean): bigint {
  return greater ? 0b101n : 0b100n;
}

function encodeKey(point: Key): Encoded {
  const { x, y } = point.toAffine();
  const greater = y > Fp.neg(y);
  return { compressed: `0x${flagged(x, flagsOf(greater))}`, eip2537: `0x${wide(x)}${wide(y)}` };
}

function encodeSignature(point: Signature): Encoded {
  const { x, y } = point.toAffine();
  const greater = y.c1 === 0n ? y.c0 > Fp.neg(y.c0) : y.c1 > Fp.neg(y.c1);
  return {
    compressed: `0x${flagged(x.c1, flagsOf(greater))}${toBeHex(x.c0, 48).slice(2)}`,
    eip2537: `0x${[x.c0, x.c1, y.c0, y.c1].map(wide).join("")}`,
  };
}

/** The point of G1's curve, outside the subgroup, with the smallest x. */
function strayKey(): Key {
  for (let x = 1n; ; x++) {
    const squared = Fp.add(Fp.pow(x, 3n), 4n);
    if (Fp.pow(squared, (Fp.ORDER - 1n) / 2n) !== 1n) continue;
    const point = G1.Point.fromAffine({ x, y: Fp.sqrt(squared) });
    if (!point.isTorsionFree()) return point;
  }
}

/** The point of G2's curve, outside the subgroup, with the smallest x. */
function straySignature(): Signature {
  for (let c0 = 1n; ; c0++) {
    const x = Fp2.fromBigTuple([c0, 0n]);
    const squared = Fp2.add(Fp2.pow(x, 3n), Fp2.fromBigTuple([4n, 4n]));
    const norm = Fp.add(Fp.sqr(squared.c0), Fp.sqr(squared.c1));
    if (Fp.pow(norm, (Fp.ORDER - 1n) / 2n) !== 1n) continue;
    const point = G2.Point.fromAffine({ x, y: Fp2.sqrt(squared) });
    if (!point.isTorsionFree()) return point;
  }
}

/** `bytes` with the flags of its first byte replaced. */
function withFlags(bytes: string, flags: bigint): string {
  const value = BigInt(bytes);
  const above = BigInt((bytes.length - 2) * 4 - 3);
  return toBeHex((value & ((1n << above) - 1n)) | (flags << above), (bytes.length - 2) / 2);
}

/** `bytes` with one in the padding of its first EIP-2537 field element: a number far over the modulus. */
function withPadding(bytes: string): string {
  return `0x01${bytes.slice(4)}`;
}

function badKeys(): Record<string, Encoded> {
  const infinity = { compressed: `0xc0${"00".repeat(47)}`, eip2537: `0x${"00".repeat(128)}` };
  // If x + p has at most 381 bits, it fits the compressed form.
  const small = names(500).find((name) => publicKey(name).x + Fp.ORDER <= FIELD_MASK);
  if (small === undefined) throw new Error("None of these names has a key with a small x.");
  const { x, y } = publicKey(small).toAffine();
  const key = encodeKey(publicKey("node 1"));
  return {
    "at infinity": infinity,
    "outside the subgroup": encodeKey(strayKey()),
    "with x not below p": {
      compressed: `0x${flagged(x + Fp.ORDER, flagsOf(y > Fp.neg(y)))}`,
      eip2537: `0x${wide(x + Fp.ORDER)}${wide(y)}`,
    },
    "off the curve": {
      // No y belongs to this x.
      compressed: `0x${flagged(offCurve(), 0b100n)}`,
      eip2537: `0x${wide(x)}${wide(Fp.add(y, 1n))}`,
    },
    "a byte too short": { compressed: key.compressed.slice(0, -2), eip2537: key.eip2537.slice(0, -2) },
    "a byte too long": { compressed: `${key.compressed}00`, eip2537: `${key.eip2537}00` },
    empty: { compressed: "0x", eip2537: "0x" },
    "without the flag of compression": {
      compressed: withFlags(key.compressed, 0b000n),
      eip2537: withPadding(key.eip2537),
    },
    "with the flag of infinity": { compressed: withFlags(key.compressed, 0b110n), eip2537: flagInY(key.eip2537) },
    "with all flags": { compressed: withFlags(key.compressed, 0b111n), eip2537: withFlags(key.eip2537, 0b111n) },
  };
}

/** A flag of the compressed form in the 48 bytes of y. */
function flagInY(bytes: string): string {
  return toBeHex(BigInt(bytes) | (1n << 383n), 128);
}

function offCurve(): bigint {
  for (let x = 1n; ; x++) {
    if (Fp.pow(Fp.add(Fp.pow(x, 3n), 4n), (Fp.ORDER - 1n) / 2n) !== 1n) return x;
  }
}

function badSignatures(): Record<string, Encoded> {
  const point = signOne("node 1", "for");
  const good = encodeSignature(point);
  const { x, y } = point.toAffine();
  const beyond = { c0: x.c0 + Fp.ORDER, c1: x.c1 };
  return {
    "at infinity": { compressed: `0xc0${"00".repeat(95)}`, eip2537: `0x${"00".repeat(256)}` },
    "outside the subgroup": encodeSignature(straySignature()),
    // In the same coset: only its stray part tells it from the right one.
    "plus a point outside the subgroup": encodeSignature(point.add(straySignature())),
    "with x not below p": {
      compressed: `${good.compressed.slice(0, 98)}${toBeHex(beyond.c0, 48).slice(2)}`,
      eip2537: `0x${[beyond.c0, beyond.c1, y.c0, y.c1].map(wide).join("")}`,
    },
    "a byte too short": { compressed: good.compressed.slice(0, -2), eip2537: good.eip2537.slice(0, -2) },
    "a byte too long": { compressed: `${good.compressed}00`, eip2537: `${good.eip2537}00` },
    empty: { compressed: "0x", eip2537: "0x" },
    negated: encodeSignature(point.negate()),
    doubled: encodeSignature(point.double()),
    "without the flag of compression": {
      compressed: withFlags(good.compressed, flagsAbove(good.compressed) & 0b001n),
      eip2537: withPadding(good.eip2537),
    },
    "with the flag of infinity": {
      compressed: withFlags(good.compressed, flagsAbove(good.compressed) | 0b010n),
      eip2537: withFlags(good.eip2537, 0b010n),
    },
  };
}

function flagsAbove(bytes: string): bigint {
  return BigInt(bytes) >> BigInt((bytes.length - 2) * 4 - 3);
}

function names(count: number): string[] {
  return Array.from({ length: count }, (_, i) => `node ${i + 1}`);
}

function publicKey(name: string): Key {
  return G1.Point.BASE.multiply(secretOf(name));
}

function cases(bad: Record<string, Encoded>): Case[] {
  const all = names(SIGNERS);
  const node = (number: number) => `node ${number}`;
  const claim = (keys: string[], digest: Support) => ({ keys, digest });
  const of = (keys: readonly string[], ...supports: Support[]) =>
    supports.flatMap((support) => keys.map((key) => signOne(key, support)));
  const made: Case[] = [];
  const add = (name: string, valid: boolean, claims: Case["claims"], signature: Encoded) =>
    made.push({ name, claims, signature, valid });
  const aggregate = (...signatures: Signature[]) => encodeSignature(sum(signatures));

  for (const name of all.slice(0, 5)) {
    add(`${name} for`, true, [claim([name], "for")], aggregate(...of([name], "for")));
    add(`${name} against`, true, [claim([name], "against")], aggregate(...of([name], "against")));
    const both = [claim([name], "for"), claim([name], "against")];
    add(`${name} abstains`, true, both, aggregate(...of([name], "for", "against")));
  }
  for (const count of [2, 5, SIGNERS]) {
    const keys = all.slice(0, count);
    add(`${count} for`, true, [claim(keys, "for")], aggregate(...of(keys, "for")));
  }
  const five = all.slice(0, 5);
  add("5 abstain", true, [claim(five, "for"), claim(five, "against")], aggregate(...of(five, "for", "against")));
  const [first, second, third] = [all.slice(0, 30), all.slice(30, 42), all.slice(42)];
  const mixed = [...of(first, "for"), ...of(second, "against"), ...of(third, "for", "against")];
  const mixedClaims = [claim([...first, ...third], "for"), claim([...second, ...third], "against")];
  add("30 for, 12 against, 8 abstain", true, mixedClaims, aggregate(...mixed));
  const three = [...of(all.slice(0, 2), "for"), ...of([node(3)], "against")];
  add("2 for, 1 against", true, [claim(all.slice(0, 2), "for"), claim([node(3)], "against")], aggregate(...three));

  const one = signOne(node(1), "for");
  add("another digest", false, [claim([node(1)], "against")], encodeSignature(one));
  add("another key", false, [claim([node(2)], "for")], encodeSignature(one));
  add("a signer who did not sign", false, [claim(all.slice(0, 2), "for")], encodeSignature(one));
  add("a signer who is left out", false, [claim([node(1)], "for")], aggregate(...of(all.slice(0, 2), "for")));
  add("a signer counted twice", false, [claim([node(1), node(1)], "for")], encodeSignature(one));
  add("a signer summed twice", true, [claim([node(1), node(1)], "for")], encodeSignature(one.double()));
  const abstains = aggregate(...of([node(1)], "for", "against"));
  add("an abstention taken as for", false, [claim([node(1)], "for")], abstains);
  add("an abstention taken as against", false, [claim([node(1)], "against")], abstains);
  const both = [claim([node(1)], "for"), claim([node(1)], "against")];
  add("for taken as an abstention", false, both, encodeSignature(one));
  const swapped = [claim([node(2)], "for"), claim([node(1)], "against")];
  const forAgainst = aggregate(one, signOne(node(2), "against"));
  add("for and against swapped", false, swapped, forAgainst);
  add("no claims", false, [], encodeSignature(one));
  add("a claim without keys", false, [claim([], "for")], encodeSignature(one));

  for (const [name, signature] of Object.entries(badSignatures())) {
    add(`a signature ${name}`, false, [claim([node(1)], "for")], signature);
  }
  for (const name of Object.keys(bad)) {
    add(`a key ${name}`, false, [claim([name], "for")], encodeSignature(one));
  }
  const strayed = [claim([node(1), "outside the subgroup"], "for")];
  add("a key outside the subgroup among others", false, strayed, encodeSignature(one));
  return made;
}

export function buildVectors(): Vectors {
  const bad = badKeys();
  const good = names(SIGNERS).map((name) => {
    const secret = toBeHex(secretOf(name), 32);
    return [name, { secret, ...encodeKey(publicKey(name)) }] as const;
  });
  return { suite: SUITE, digests, keys: { ...Object.fromEntries(good), ...bad }, cases: cases(bad) };
}

/** As `biome format` leaves it: lists that fit on a line are on one. */
function format(vectors: Vectors): string {
  const text = JSON.stringify(vectors, null, 2);
  const lists = /^( *"[^"]+": )\[\s+([^[\]{}]*?)\s+\](,?)$/gm;
  const joined = text.replace(lists, (list, name: string, items: string, comma: string) => {
    const line = `${name}[${items.replace(/\n\s+/g, " ")}]${comma}`;
    return line.length <= 120 ? line : list;
  });
  return `${joined}\n`;
}

if (process.argv[1] === import.meta.filename) {
  const path = join(import.meta.dirname, "../../test/vectors/bls.json");
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, format(buildVectors()));
}

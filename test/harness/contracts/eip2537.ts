import { SecretKey } from "@chainsafe/blst";
import { bls12_381 } from "@noble/curves/bls12-381.js";
import { concat, dataSlice, getBytes, hexlify, keccak256, toBeHex, toBigInt, toUtf8Bytes, zeroPadValue } from "ethers";
import { type AgentConsent, NO_DEADLINE } from "../../../src/ports/chain/index.js";
import { CHAIN_ID, consentOf, newestRegistry } from "./consents.js";

/** The field's modulus. */
export const P = 0x1a0111ea397fe69a4b1ba7b6434bacd764774b84f38512bf6730d2a0f6b0f6241eabfffeb153ffffb9feffffffffaaabn;
export const POSSESSION_DOMAIN = "BLS_POP_BLS12381G2_XMD:SHA-256_SSWU_RO_POP_";
export const BALLOT_DOMAIN = "BLS_SIG_BLS12381G2_XMD:SHA-256_SSWU_RO_POP_";
export const G1_INFINITY = `0x${"00".repeat(128)}`;
export const G2_INFINITY = `0x${"00".repeat(256)}`;

export type G1 = typeof bls12_381.G1.Point.BASE;
export type G2 = typeof bls12_381.G2.Point.BASE;

/** A field element in EIP-2537's encoding: 64 bytes big-endian, as hex without 0x. */
export function fp(value: bigint): string {
  return value.toString(16).padStart(128, "0");
}

export function encodeG1(point: G1): string {
  if (point.is0()) return G1_INFINITY;
  const { x, y } = point.toAffine();
  return `0x${fp(x)}${fp(y)}`;
}

export function encodeG2(point: G2): string {
  if (point.is0()) return G2_INFINITY;
  const { x, y } = point.toAffine();
  return `0x${fp(x.c0)}${fp(x.c1)}${fp(y.c0)}${fp(y.c1)}`;
}

export function decodeG2(point: string): G2 {
  const [x0, x1, y0, y1] = [0, 1, 2, 3].map((i) => toBigInt(dataSlice(point, 64 * i, 64 * i + 64)));
  const { Fp2 } = bls12_381.fields;
  return bls12_381.G2.Point.fromAffine({
    x: Fp2.fromBigTuple([x0 ?? 0n, x1 ?? 0n]),
    y: Fp2.fromBigTuple([y0 ?? 0n, y1 ?? 0n]),
  });
}

export function hashToG2(message: string, domain: string): G2 {
  return bls12_381.G2.hashToCurve(getBytes(message), { DST: domain }) as G2;
}

/** A secret key derived from a name by blst, following EIP-2333. */
export function secretOf(name: string): SecretKey {
  return SecretKey.fromKeygen(getBytes(keccak256(toUtf8Bytes(name))));
}

/** The public key, computed by blst (48-byte coordinates), in EIP-2537's encoding. */
export function publicKeyOf(secret: SecretKey): string {
  const bytes = secret.toPublicKey().toBytes(false);
  return concat([zeroPadValue(bytes.slice(0, 48), 64), zeroPadValue(bytes.slice(48), 64)]);
}

/** The order of the groups. */
export const ORDER = bls12_381.fields.Fr.ORDER;

/** What binds a possession proof to chain, registry, operator, key and commitment. */
export function possessionChallenge(operator: string, key: string, commitment: string, registry?: string): bigint {
  const place = concat([toBeHex(CHAIN_ID, 32), registry ?? newestRegistry(), operator]);
  return toBigInt(keccak256(concat([toUtf8Bytes("witan/possession/2"), place, key, commitment]))) % ORDER;
}

/** A Schnorr proof of knowledge of the key's secret scalar: R (128 bytes), s (32). */
export function provePossession(operator: string, key: string, secret: bigint, nonce = 1n + (secret >> 3n)): string {
  const commitment = encodeG1(bls12_381.G1.Point.BASE.multiply(nonce) as G1);
  const response = (nonce + possessionChallenge(operator, key, commitment) * secret) % ORDER;
  return concat([commitment, toBeHex(response, 32)]);
}

/** Signs with noble; @chainsafe/blst signs under {@link BALLOT_DOMAIN} alone. */
export function sign(secret: SecretKey, message: string, domain: string): string {
  return encodeG2(bls12_381.longSignatures.sign(hashToG2(message, domain), secret.toBytes()) as G2);
}

export interface Admission {
  operator: string;
  agent: string;
  key: string;
  possession: string;
  peerId: string;
  deadline: number;
  consent: string;
}

export interface AdmissionOptions {
  /** The agent's account; the operator's own by default. */
  readonly agent?: string;
  readonly nonce?: number;
  readonly deadline?: number;
}

/** The admission of `operator` with the key named `name`, to the registry that was deployed last. */
export function admissionOf(
  operator: string,
  name: string,
  { agent = operator, nonce = 0, deadline = NO_DEADLINE }: AdmissionOptions = {},
): Admission {
  const secret = secretOf(name);
  const key = publicKeyOf(secret);
  const possession = provePossession(operator, key, toBigInt(secret.toBytes()));
  return consented(
    { operator, agent, key, possession, peerId: hexlify(toUtf8Bytes(`peer of ${name}`)), deadline },
    nonce,
  );
}

/** The admission with the operator's signature, as of what it holds now. */
export function consented(admission: Omit<Admission, "consent">, nonce = 0): Admission {
  const { agent, key, operator, peerId, deadline } = admission as AgentConsent & typeof admission;
  const consent = consentOf(newestRegistry(), { agent, key, operator, peerId, deadline, nonce } as AgentConsent);
  return { ...admission, consent };
}

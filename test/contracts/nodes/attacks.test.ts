import { bls12_381 } from "@noble/curves/bls12-381.js";
import { concat, dataSlice, toBigInt } from "ethers";
import { describe, expect, it } from "vitest";
import {
  type Admission,
  BALLOT_DOMAIN,
  encodeG1,
  encodeG2,
  fp,
  type G1,
  G1_INFINITY,
  type G2,
  G2_INFINITY,
  hashToG2,
  P,
  POSSESSION_DOMAIN,
  possessionMessage,
  secretOf,
  sign,
} from "../libraries/eip2537.js";
import { admission, deploy, deployWith, ethers, operatorOf } from "./setting.js";

const { Fp2, Fr } = bls12_381.fields;
const scalarOf = (name: string | number) => toBigInt(secretOf(`key ${name}`).toBytes());
const keyPoint = (name: string | number): G1 => bls12_381.G1.Point.BASE.multiply(scalarOf(name));
const signatureOf = (k: bigint, operator: string, key: string): G2 =>
  hashToG2(possessionMessage(operator, key), POSSESSION_DOMAIN).multiply(k);

/** (0, 2) is on y^2 = x^3 + 4 and has order 3: added to a key, it changes no unchecked pairing. */
const SMALL_ORDER_G1 = bls12_381.G1.Point.fromAffine({ x: 0n, y: 2n });

/** A point of the twist outside the subgroup, with its part inside the subgroup taken away. */
function cofactorPointG2(): G2 {
  for (let i = 1n; ; i++) {
    const x = Fp2.fromBigTuple([i, 0n]);
    const square = Fp2.add(Fp2.mul(Fp2.sqr(x), x), Fp2.fromBigTuple([4n, 4n]));
    try {
      const point = bls12_381.G2.Point.fromAffine({ x, y: Fp2.sqrt(square) });
      const outside = point.multiplyUnsafe(Fr.ORDER - 1n).add(point);
      if (!outside.is0()) return outside;
    } catch (error) {
      if (!(error instanceof Error && /square root/i.test(error.message))) throw error;
    }
  }
}

async function refused(attack: Partial<Admission>, error: string, honest = admission(9)): Promise<void> {
  const { registry } = await deployWith(2);
  await expect(registry.admit([{ ...honest, ...attack }])).rejects.toThrow(error);
  // The same attack hidden among honest nodes, and on the way of a rotation.
  await expect(registry.admit([admission(5), { ...honest, ...attack }, admission(6)])).rejects.toThrow(error);
  expect(await registry.epoch()).toBe(1n);
}

describe("NodeRegistry under attack", () => {
  const operator = operatorOf(9);
  const badPossession = `NodeRegistryInvalidPossession("${operator}")`;
  const badKey = "NodeRegistryInvalidKey";

  it("refuses a rogue key, which would cancel another node's key in a sum", async () => {
    const rogue = keyPoint(9).subtract(keyPoint(0));
    const key = encodeG1(rogue);
    // What the attacker can make: signatures with a secret that it knows, and sums with what the victim has published.
    const victim = admission(0);
    const known = signatureOf(scalarOf(9), operator, key);
    const victims = signatureOf(scalarOf(0), victim.operator, victim.key);
    for (const possession of [known, known.subtract(victims), known.add(victims)]) {
      await refused({ key, possession: encodeG2(possession) }, badPossession);
    }
  });

  it("refuses two bad proofs whose errors cancel out", async () => {
    const { registry } = await deploy();
    const [first, second] = [admission(0), admission(1)];
    const error = bls12_381.G2.Point.BASE.multiply(7n);
    const off = (name: number, { operator, key }: Admission, by: G2) =>
      encodeG2(signatureOf(scalarOf(name), operator, key).add(by));
    const attack = [
      { ...first, possession: off(0, first, error) },
      { ...second, possession: off(1, second, error.negate()) },
    ];
    await expect(registry.admit(attack)).rejects.toThrow(`NodeRegistryInvalidPossession("${first.operator}")`);
  });

  it("refuses keys outside the subgroup", async () => {
    expect(SMALL_ORDER_G1.isTorsionFree()).toBe(false);
    const key = encodeG1(keyPoint(9).add(SMALL_ORDER_G1));
    await refused({ key, possession: encodeG2(signatureOf(scalarOf(9), operator, key)) }, badPossession);
    await refused({ key: encodeG1(SMALL_ORDER_G1) }, badPossession);
  });

  it("refuses possession proofs outside the subgroup", async () => {
    const { key } = admission(9);
    const outside = cofactorPointG2();
    expect(outside.isTorsionFree()).toBe(false);
    const possession = encodeG2(signatureOf(scalarOf(9), operator, key).add(outside));
    await refused({ possession }, badPossession);
  });

  it("refuses points that are not on the curve", async () => {
    await refused({ key: `0x${fp(1n)}${fp(1n)}` }, badPossession);
    await refused({ possession: `0x${fp(1n).repeat(4)}` }, badPossession);
  });

  it("refuses the point at infinity as key and as proof", async () => {
    await refused({ key: G1_INFINITY, possession: G2_INFINITY }, badKey);
    await refused({ key: G1_INFINITY }, badKey);
    await refused({ possession: G2_INFINITY }, badPossession);
  });

  it("refuses proofs made by another operator, for another key, or under the ballot domain", async () => {
    const { key, possession } = admission(9);
    const replay = admission(8, 9);
    expect(replay.key).toBe(key);
    await refused({ possession: replay.possession }, badPossession);
    await refused({ possession }, `NodeRegistryInvalidPossession("${operatorOf(8)}")`, replay);
    await refused({ possession: admission(9, "other").possession }, badPossession);
    const ballot = sign(secretOf("key 9"), possessionMessage(operator, key), BALLOT_DOMAIN);
    await refused({ possession: ballot }, badPossession);
  });

  it("refuses keys and proofs of a wrong length", async () => {
    const { key, possession } = admission(9);
    const compressed = concat([dataSlice(key, 16, 64)]);
    for (const wrong of ["0x", compressed, dataSlice(key, 0, 127), `${key}00`, key + key.slice(2)]) {
      await refused({ key: wrong }, badKey);
    }
    for (const wrong of ["0x", dataSlice(possession, 0, 255), `${possession}00`, dataSlice(possession, 0, 128)]) {
      await refused({ possession: wrong }, badPossession);
    }
  });

  it("refuses field elements that are not reduced, the same point written otherwise", async () => {
    const { key, possession } = admission(9);
    const moved = (data: string, i: number) =>
      concat([
        dataSlice(data, 0, 64 * i),
        `0x${fp(toBigInt(dataSlice(data, 64 * i, 64 * i + 64)) + P)}`,
        dataSlice(data, 64 * i + 64),
      ]);
    for (const i of [0, 1]) await refused({ key: moved(key, i) }, badKey);
    for (const i of [0, 1, 2, 3]) await refused({ possession: moved(possession, i) }, badPossession);
  });

  it("refuses a key that was ever given, to anybody, in any batch", async () => {
    const { registry } = await deployWith(3);
    const duplicate = `NodeRegistryDuplicateKey("${ethers.keccak256(admission(1).key)}")`;
    await expect(registry.admit([admission(9, 1)])).rejects.toThrow(duplicate);
    await expect(registry.admit([admission(4, 9), admission(5, 9)])).rejects.toThrow("NodeRegistryDuplicateKey");
    const own = admission(1);
    await expect(registry.rotateKey(1, own.key, own.possession)).rejects.toThrow(duplicate);
    await registry.remove([1]);
    await expect(registry.admit([admission(9, 1)])).rejects.toThrow(duplicate);
    const taken = admission(2, 1);
    await expect(registry.rotateKey(2, taken.key, taken.possession)).rejects.toThrow(duplicate);
  });

  it("refuses an operator that is or ever was a member, and the zero address", async () => {
    const { registry } = await deployWith(3);
    const duplicate = `NodeRegistryDuplicateOperator("${operatorOf(1)}")`;
    await expect(registry.admit([admission(1, "new")])).rejects.toThrow(duplicate);
    await expect(registry.admit([admission(7, "a"), admission(7, "b")])).rejects.toThrow("DuplicateOperator");
    await registry.remove([1]);
    await expect(registry.admit([admission(1, "new")])).rejects.toThrow(duplicate);
    const nobody = { ...admission(8), operator: ethers.ZeroAddress };
    await expect(registry.admit([nobody])).rejects.toThrow("NodeRegistryInvalidOperator");
  });

  it("refuses a rotation with a key that is not the operator's own", async () => {
    const { registry } = await deployWith(2);
    const fresh = admission(0, "fresh");
    const notOwn = `NodeRegistryInvalidPossession("${operatorOf(1)}")`;
    await expect(registry.rotateKey(1, fresh.key, fresh.possession)).rejects.toThrow(notOwn);
    await expect(registry.rotateKey(1, G1_INFINITY, G2_INFINITY)).rejects.toThrow(badKey);
    await expect(registry.rotateKey(1, `${fresh.key}00`, fresh.possession)).rejects.toThrow(badKey);
    await registry.rotateKey(0, fresh.key, fresh.possession);
  });
});

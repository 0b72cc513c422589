import { bls12_381 } from "@noble/curves/bls12-381.js";
import { concat, dataSlice, toBeHex, toBigInt } from "ethers";
import { beforeEach, describe, expect, it } from "vitest";
import type { NodeRegistry } from "../../../src/ports/chain/bindings/index.js";
import {
  type Admission,
  consented,
  encodeG1,
  fp,
  type G1,
  G1_INFINITY,
  ORDER,
  P,
  possessionChallenge,
  provePossession,
  secretOf,
} from "../../harness/contracts/eip2537.js";
import {
  admission,
  deployRegistry,
  deployRegistryWith,
  ethers,
  nextDay,
  operatorOf,
} from "../../harness/contracts/nodes.js";
import { nextAgentOf, removeNodes, rotateAgent } from "../../harness/contracts/seats.js";

const { BASE } = bls12_381.G1.Point;
const scalarOf = (name: string | number) => toBigInt(secretOf(`key ${name}`).toBytes());
const keyPoint = (name: string | number): G1 => BASE.multiply(scalarOf(name));
const split = (proof: string) => ({ commitment: dataSlice(proof, 0, 128), response: toBigInt(dataSlice(proof, 128)) });
const join = (commitment: string, response: bigint) => concat([commitment, toBeHex(response, 32)]);

/** (0, 2) is on y^2 = x^3 + 4 and has order 3: added to a key, it changes no unchecked pairing. */
const SMALL_ORDER_G1 = bls12_381.G1.Point.fromAffine({ x: 0n, y: 2n });

/** A registry with the nodes 0 and 1, as its timelock calls it. */
let attacked: NodeRegistry;
/** The same as the founder calls it, who may admit many. */
let founding: NodeRegistry;

/** Each operator consents to what is brought in its name. */
async function refused(attack: Partial<Admission>, error: string, honest = admission(9)): Promise<void> {
  const hostile = consented({ ...honest, ...attack });
  await expect(attacked.admit([hostile])).rejects.toThrow(error);
  // The same attack hidden among honest nodes.
  await expect(founding.admit([admission(5), hostile, admission(6)])).rejects.toThrow(error);
  expect(await attacked.epoch()).toBe(1n);
}

/** The key named `key` for this operator, with a peer id that nobody has. */
function withKeyOf(operator: string | number, key: string | number): Admission {
  const { peerId } = admission(operator, "of no other");
  return consented({ ...admission(operator, key), peerId });
}

describe("NodeRegistry under attack", () => {
  beforeEach(async () => {
    const { registry, founder } = await deployRegistryWith(2);
    attacked = registry;
    founding = registry.connect(founder);
  });

  const operator = operatorOf(9);
  const badPossession = `NodeRegistryInvalidPossession("${operator}")`;
  const badKey = "NodeRegistryInvalidKey";

  it("refuses a rogue key, which would cancel another node's key in a sum", async () => {
    const rogue = keyPoint(9).subtract(keyPoint(0));
    const key = encodeG1(rogue);
    // What the attacker can make: proofs with the part of the secret that it knows, and with what its victim has shown.
    const own = provePossession(operator, key, scalarOf(9));
    const victims = split(admission(0).possession);
    const mine = split(own);
    const difference = (mine.response - victims.response + ORDER) % ORDER;
    for (const possession of [own, admission(0).possession, join(mine.commitment, difference)]) {
      await refused({ key, possession }, badPossession);
    }
  });

  it("refuses another node's key negated, with that node's proof mirrored or taken as it is", async () => {
    const negated = encodeG1(keyPoint(0).negate());
    for (const victim of [admission(0), admission(9, 0)]) {
      const { commitment, response } = split(victim.possession);
      const [x, y] = [dataSlice(commitment, 0, 64), toBigInt(dataSlice(commitment, 64))];
      const mirrored = concat([x, `0x${fp(P - y)}`]);
      // -s·G = -R + c·(-key): it would hold, did the challenge not bind key and commitment.
      for (const possession of [
        victim.possession,
        join(mirrored, ORDER - response),
        join(mirrored, response),
        join(commitment, ORDER - response),
      ]) {
        await refused({ key: negated, possession }, badPossession);
      }
    }
    // Nor in the batch in which its victim comes.
    const { registry } = await deployRegistry();
    const victim = admission(0);
    const { commitment, response } = split(victim.possession);
    const mirrored = concat([dataSlice(commitment, 0, 64), `0x${fp(P - toBigInt(dataSlice(commitment, 64)))}`]);
    const rogue = consented({ ...admission(9), key: negated, possession: join(mirrored, ORDER - response) });
    await expect(registry.admit([victim, rogue])).rejects.toThrow(badPossession);
    await expect(registry.admit([rogue, victim])).rejects.toThrow(badPossession);
  });

  it("would have let a rogue key in, had a batch signed one message: why a proof is of the key itself", () => {
    const { G2 } = bls12_381;
    const message = G2.hashToCurve(Uint8Array.from([1, 2, 3]));
    const rogue = keyPoint(9).subtract(keyPoint(0));
    // The victim signs the batch's message, which names all keys; the attacker waits for that.
    const victims = message.multiply(scalarOf(0));
    const forged = message.multiply(scalarOf(9)).subtract(victims);
    // A proper signature of the rogue key, whose secret nobody has: any check of single signatures passes.
    const { pairing } = bls12_381;
    expect(bls12_381.fields.Fp12.eql(pairing(BASE, forged), pairing(rogue, message))).toBe(true);
  });

  it("refuses two bad proofs whose errors cancel out", async () => {
    const { registry } = await deployRegistry();
    const [first, second] = [admission(0), admission(1)];
    const off = ({ possession }: Admission, by: bigint) => {
      const { commitment, response } = split(possession);
      return join(commitment, (response + by + ORDER) % ORDER);
    };
    const attack = [
      { ...first, possession: off(first, 7n) },
      { ...second, possession: off(second, -7n) },
    ];
    await expect(registry.admit(attack)).rejects.toThrow(`NodeRegistryInvalidPossession("${first.operator}")`);
    const later = [admission(2), first, { ...second, possession: off(second, 1n) }];
    await expect(registry.admit(later)).rejects.toThrow(`NodeRegistryInvalidPossession("${second.operator}")`);
  });

  it("refuses keys and commitments outside the subgroup", async () => {
    expect(SMALL_ORDER_G1.isTorsionFree()).toBe(false);
    const moved = encodeG1(keyPoint(9).add(SMALL_ORDER_G1));
    // With a challenge that is a multiple of three, the part of small order drops out of an unchecked equation.
    let nonce = 2n;
    const commitment = () => encodeG1(BASE.multiply(nonce));
    while (possessionChallenge(operator, moved, commitment()) % 3n !== 0n) nonce++;
    await refused({ key: moved, possession: provePossession(operator, moved, scalarOf(9), nonce) }, badPossession);
    await refused({ key: encodeG1(SMALL_ORDER_G1) }, badPossession);

    const { key, possession } = admission(9);
    const { response } = split(possession);
    const outside = encodeG1(BASE.multiply(5n).add(SMALL_ORDER_G1));
    await refused({ key, possession: join(outside, response) }, badPossession);
  });

  it("refuses points that are not on the curve", async () => {
    await refused({ key: `0x${fp(1n)}${fp(1n)}` }, badPossession);
    await refused({ possession: join(`0x${fp(1n)}${fp(1n)}`, 1n) }, badPossession);
  });

  it("refuses the point at infinity as key, and a proof of nothing", async () => {
    const nothing = join(G1_INFINITY, 0n);
    await refused({ key: G1_INFINITY, possession: nothing }, badKey);
    await refused({ key: G1_INFINITY }, badKey);
    await refused({ possession: nothing }, badPossession);
  });

  it("refuses proofs made by another operator or for another key", async () => {
    const { key, possession } = admission(9);
    const replay = admission(8, 9);
    expect(replay.key).toBe(key);
    await refused({ possession: replay.possession }, badPossession);
    await refused({ possession }, `NodeRegistryInvalidPossession("${operatorOf(8)}")`, replay);
    await refused({ possession: admission(9, "other").possession }, badPossession);
  });

  it("refuses keys and proofs of a wrong length", async () => {
    const { key, possession } = admission(9);
    const compressed = concat([dataSlice(key, 16, 64)]);
    for (const wrong of ["0x", compressed, dataSlice(key, 0, 127), `${key}00`, key + key.slice(2)]) {
      await refused({ key: wrong }, badKey);
    }
    for (const wrong of ["0x", dataSlice(possession, 0, 159), `${possession}00`, dataSlice(possession, 0, 128)]) {
      await refused({ possession: wrong }, badPossession);
    }
  });

  it("refuses numbers that are not reduced, the same key or proof written otherwise", async () => {
    const { key, possession } = admission(9);
    const moved = (data: string, i: number) =>
      concat([
        dataSlice(data, 0, 64 * i),
        `0x${fp(toBigInt(dataSlice(data, 64 * i, 64 * i + 64)) + P)}`,
        dataSlice(data, 64 * i + 64),
      ]);
    for (const i of [0, 1]) {
      await refused({ key: moved(key, i) }, badKey);
      await refused({ possession: moved(possession, i) }, badPossession);
    }
    const { commitment, response } = split(possession);
    await refused({ possession: join(commitment, response + ORDER) }, badPossession);
  });

  it("refuses a key that was ever given, to anybody, in any batch", async () => {
    const { registry, founder } = await deployRegistryWith(3);
    const duplicate = `NodeRegistryDuplicateKey("${ethers.keccak256(admission(1).key)}")`;
    await expect(registry.admit([withKeyOf(9, 1)])).rejects.toThrow(duplicate);
    const twice = [withKeyOf(4, 9), withKeyOf(5, 9)].map((one, i) => consented({ ...one, peerId: `0x0${i}` }));
    await expect(registry.connect(founder).admit(twice)).rejects.toThrow("NodeRegistryDuplicateKey");
    await nextDay();
    await expect(rotateAgent(registry, 1, "key 1")).rejects.toThrow(duplicate);
    await removeNodes(registry, [1]);
    await expect(registry.admit([withKeyOf(9, 1)])).rejects.toThrow(duplicate);
    const { peerId } = admission(2);
    const taken = consented({ ...(await nextAgentOf(registry, 2, "key 1")), peerId }, 1);
    await expect(registry.setAgentBySig(taken)).rejects.toThrow(duplicate);
  });

  it("refuses an operator that is or ever was a member, and the zero address", async () => {
    const { registry, founder } = await deployRegistryWith(3);
    const duplicate = `NodeRegistryDuplicateAccount("${operatorOf(1)}")`;
    await expect(registry.admit([admission(1, "new")])).rejects.toThrow(duplicate);
    const twice = [admission(7, "a"), admission(7, "b")];
    await expect(registry.connect(founder).admit(twice)).rejects.toThrow("NodeRegistryDuplicateAccount");
    await removeNodes(registry, [1]);
    await expect(registry.admit([admission(1, "new")])).rejects.toThrow(duplicate);
    const nobody = { ...admission(8), operator: ethers.ZeroAddress };
    await expect(registry.admit([nobody])).rejects.toThrow("NodeRegistryInvalidOperator");
  });

  it("refuses an agent with a key that is not the operator's own", async () => {
    await nextDay();
    const fresh = await nextAgentOf(attacked, 0, "key fresh");
    const own = await nextAgentOf(attacked, 1, "key own");
    const setBy1 = (change: Partial<Admission>) => attacked.setAgentBySig(consented({ ...own, ...change }, 1));
    const notOwn = `NodeRegistryInvalidPossession("${operatorOf(1)}")`;
    const { key, possession } = fresh;
    await expect(setBy1({ key, possession })).rejects.toThrow(notOwn);
    await expect(setBy1({ key: G1_INFINITY, possession })).rejects.toThrow(badKey);
    await expect(setBy1({ key: `${key}00`, possession })).rejects.toThrow(badKey);
    await attacked.setAgentBySig(fresh);
    expect(await attacked.keyOf(2)).toBe(key);
  });
});

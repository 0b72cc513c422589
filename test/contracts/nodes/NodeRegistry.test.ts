import { bls12_381 } from "@noble/curves/bls12-381.js";
import { dataSlice } from "ethers";
import { describe, expect, it } from "vitest";
import {
  consented,
  encodeG1,
  type G1,
  G1_INFINITY,
  possessionChallenge,
  publicKeyOf,
  secretOf,
} from "../../harness/contracts/eip2537.js";
import {
  admission,
  admissions,
  deployRegistry,
  deployRegistryWith,
  ethers,
  networkHelpers,
  nextDay,
  nextMonth,
  operatorOf,
  signerOf,
} from "../../harness/contracts/nodes.js";
import { nextAgentOf, removeNodes, rotateAgent } from "../../harness/contracts/seats.js";

function sumOf(keys: (string | number)[]): string {
  const points = keys.map((key) =>
    bls12_381.G1.Point.BASE.multiply(BigInt(`0x${secretOf(`key ${key}`).toHex().replace("0x", "")}`)),
  );
  return encodeG1(points.reduce<G1>((sum, point) => sum.add(point), bls12_381.G1.Point.ZERO));
}

describe("NodeRegistry", () => {
  it("starts with nobody, in epoch 0", async () => {
    const { registry, timelock, founder } = await deployRegistry();

    expect(await registry.timelock()).toBe(timelock.address);
    expect(await registry.founder()).toBe(founder.address);
    expect(await registry.epoch()).toBe(0n);
    expect(await registry.committee(0)).toEqual([0n, 0n, 0n, 0n, 0n]);
    expect(await registry.totalKey(0)).toBe(G1_INFINITY);
    expect(await registry.epochAt(2n ** 48n - 1n)).toBe(0n);
    expect(await registry.isMember(operatorOf(0), 0)).toBe(false);
    expect(await registry.isIndexMember(0, 0)).toBe(false);
  });

  it("admits a batch under consecutive indices and opens one epoch", async () => {
    const { registry } = await deployRegistry();
    const batch = admissions(3);
    const receipt = await (await registry.admit(batch)).wait();
    const openedAt = BigInt(await networkHelpers.time.latest());

    expect(await registry.epoch()).toBe(1n);
    expect(await registry.committee(1)).toEqual([openedAt, 3n, 3n, 0n, 0n]);
    expect(await registry.totalKey(1)).toBe(sumOf([0, 1, 2]));
    for (const [index, { operator, agent, key, peerId }] of batch.entries()) {
      expect(await registry.node(index)).toEqual([operator, agent, 1n, 0n, 0n]);
      expect(await registry.keyOf(index)).toBe(key);
      expect(await registry.indexOf(operator, 1)).toBe(BigInt(index));
      expect(await registry.isMember(operator, 0)).toBe(false);
      const event = registry.interface.parseLog(receipt?.logs[index] ?? { topics: [], data: "0x" });
      expect(event?.args.toArray()).toEqual([BigInt(index), operator, agent, 1n, key, peerId]);
    }
    const opened = registry.interface.parseLog(receipt?.logs[3] ?? { topics: [], data: "0x" });
    expect([opened?.name, ...(opened?.args ?? [])]).toEqual(["EpochOpened", 1n, 3n, 3n]);
  });

  it("keeps an index for ever when its node is removed", async () => {
    const { registry } = await deployRegistryWith(20);
    await removeNodes(registry, [1, 3]);
    await registry.admit([admission(20)]);

    const left = Array.from({ length: 20 }, (_, index) => index).filter((index) => index !== 1 && index !== 3);
    expect((await registry.committee(2)).slice(1)).toEqual([18n, 20n, 0n, 2n]);
    expect((await registry.committee(3)).slice(1)).toEqual([19n, 21n, 1n, 2n]);
    expect(await registry.totalKey(2)).toBe(sumOf(left));
    expect(await registry.totalKey(3)).toBe(sumOf([...left, 20]));
    expect(await registry.indexOf(operatorOf(20), 3)).toBe(20n);
    expect(await registry.node(1)).toEqual([operatorOf(1), operatorOf(1), 1n, 2n, 0n]);
    expect(await registry.isMember(operatorOf(1), 1)).toBe(true);
    expect(await registry.isMember(operatorOf(1), 2)).toBe(false);
    await expect(registry.indexOf(operatorOf(1), 2)).rejects.toThrow(`NodeRegistryNotMember("${operatorOf(1)}", 2)`);
    expect(await registry.keyOf(3)).toBe(admission(3).key);
  });

  it("sets an agent under a new index, and the old epochs still know the old one", async () => {
    const { registry } = await deployRegistryWith(2);
    await nextDay();
    await rotateAgent(registry, 0, "key fresh");
    await nextDay();
    await rotateAgent(registry, 2, "key fresher");

    const operator = operatorOf(0);
    expect((await registry.committee(3)).slice(1)).toEqual([2n, 4n, 0n, 0n]);
    expect(await registry.node(0)).toEqual([operator, operator, 1n, 2n, 0n]);
    expect(await registry.node(2)).toEqual([operator, operator, 2n, 3n, 1n]);
    expect(await registry.node(3)).toEqual([operator, operator, 3n, 0n, 3n]);
    for (const [epoch, index] of [
      [1, 0n],
      [2, 2n],
      [3, 3n],
    ] as const) {
      expect(await registry.indexOf(operatorOf(0), epoch)).toBe(index);
      expect(await registry.isIndexMember(index, epoch)).toBe(true);
      expect(await registry.isIndexMember(index, epoch - 1)).toBe(false);
    }
    expect(await registry.isIndexMember(0, 2)).toBe(false);
    expect(await registry.totalKey(3)).toBe(sumOf([1, "fresher"]));
    expect(await registry.keyOf(3)).toBe(admission(0, "fresher").key);
  });

  it("lets the founder admit until genesis is closed, and do nothing else", async () => {
    const { registry, founder, timelock } = await deployRegistry();
    const asFounder = registry.connect(founder);
    await asFounder.admit(admissions(2));
    const unauthorized = `NodeRegistryUnauthorized("${founder.address}")`;
    const notSeated = `NodeRegistryNotSeated("${founder.address}")`;
    const { agent, key, possession, peerId } = admission(0, "fresh");
    await expect(removeNodes(asFounder, [0])).rejects.toThrow(unauthorized);
    await expect(asFounder.setAgent(agent, key, possession, peerId)).rejects.toThrow(notSeated);
    await expect(asFounder.revokeAgent()).rejects.toThrow(notSeated);
    const change = asFounder.changeOperator(operatorOf(0), founder, 2 ** 40, "0x", "0x");
    await expect(change).rejects.toThrow(unauthorized);

    await asFounder.closeGenesis();
    expect(await registry.founder()).toBe(ethers.ZeroAddress);
    await expect(asFounder.admit([admission(2)])).rejects.toThrow(unauthorized);
    await expect(asFounder.closeGenesis()).rejects.toThrow(unauthorized);
    await expect(registry.closeGenesis()).rejects.toThrow(`NodeRegistryUnauthorized("${timelock.address}")`);
    await registry.admit([admission(2)]);
  });

  it("lets the timelock close genesis, but not before there is a node to vote", async () => {
    const { registry, founder, stranger } = await deployRegistry();
    await expect(registry.closeGenesis()).rejects.toThrow("NodeRegistryEmptyBatch()");
    await registry.admit([admission(0)]);
    await expect(registry.connect(stranger).closeGenesis()).rejects.toThrow("NodeRegistryUnauthorized");
    await registry.closeGenesis();
    await expect(registry.connect(founder).admit([admission(1)])).rejects.toThrow("NodeRegistryUnauthorized");
  });

  it("refuses everybody else", async () => {
    const { registry, stranger } = await deployRegistryWith(2);
    const asStranger = registry.connect(stranger);
    const { agent, key, possession, peerId } = admission(0, "fresh");
    const unauthorized = `NodeRegistryUnauthorized("${stranger.address}")`;
    const notSeated = `NodeRegistryNotSeated("${stranger.address}")`;
    await expect(asStranger.admit([admission(5)])).rejects.toThrow(unauthorized);
    await expect(removeNodes(asStranger, [0])).rejects.toThrow(unauthorized);
    await expect(asStranger.setAgent(agent, key, possession, peerId)).rejects.toThrow(notSeated);
    await expect(asStranger.revokeAgent()).rejects.toThrow(notSeated);
    const change = asStranger.changeOperator(operatorOf(0), stranger, 2 ** 40, "0x", "0x");
    await expect(change).rejects.toThrow(unauthorized);
    await nextDay();
    const { operator, consent, ...next } = await nextAgentOf(registry, 0, "key fresh");
    const forged = { ...next, operator, consent: consented({ ...next, operator: operatorOf(1) }, 1).consent };
    await expect(asStranger.setAgentBySig(forged)).rejects.toThrow(`NodeRegistryInvalidConsent("${operator}")`);
    await asStranger.setAgentBySig({ ...forged, consent });
  });

  it("never lets the committee become empty", async () => {
    const { registry } = await deployRegistryWith(2);
    await registry.connect(await signerOf(operatorOf(0))).revokeAgent();
    const last = registry.connect(await signerOf(operatorOf(1)));
    for (const attempt of [() => last.revokeAgent(), () => removeNodes(registry, [1])]) {
      await expect(attempt()).rejects.toThrow("NodeRegistryLastNode()");
    }
    await removeNodes(registry, [0]);
    await nextMonth();
    await expect(removeNodes(registry, [1])).rejects.toThrow("NodeRegistryLastNode()");
  });

  it("refuses empty batches, unknown indices and seats that are gone", async () => {
    const { registry } = await deployRegistryWith(20);
    const goneIs = (name: number) => `NodeRegistryNotSeated("${operatorOf(name)}")`;
    const unknown = admission(20, "fresh");
    await expect(registry.admit([])).rejects.toThrow("NodeRegistryEmptyBatch()");
    await expect(removeNodes(registry, [])).rejects.toThrow("NodeRegistryEmptyBatch()");
    await expect(registry.remove([operatorOf(20)])).rejects.toThrow(goneIs(20));
    await expect(registry.setAgentBySig(unknown)).rejects.toThrow(goneIs(20));
    await expect(removeNodes(registry, [1, 1])).rejects.toThrow(goneIs(1));
    await removeNodes(registry, [1]);
    await nextDay();
    await expect(removeNodes(registry, [1])).rejects.toThrow(goneIs(1));
    await expect(rotateAgent(registry, 1, "key fresh")).rejects.toThrow(goneIs(1));
    await expect(registry.connect(await signerOf(operatorOf(1))).revokeAgent()).rejects.toThrow(goneIs(1));
    await expect(registry.node(20)).rejects.toThrow("NodeRegistryUnknownNode(20)");
    await expect(registry.keyOf(20)).rejects.toThrow("NodeRegistryUnknownNode(20)");
  });

  it("reverts for an epoch that has not opened", async () => {
    const { registry } = await deployRegistryWith(1);
    for (const question of [
      registry.committee(2),
      registry.totalKey(2),
      registry.indexOf(operatorOf(0), 2),
      registry.isMember(operatorOf(0), 2),
      registry.isIndexMember(0, 2),
    ]) {
      await expect(question).rejects.toThrow("NodeRegistryUnknownEpoch(2)");
    }
  });

  it("counts the newest of several epochs that open within one second", async () => {
    const { registry } = await deployRegistryWith(1);
    const first = await networkHelpers.time.latest();
    await networkHelpers.time.increase(9);
    await ethers.provider.send("evm_setAutomine", [false]);
    await registry.admit([admission(1)], { gasLimit: 1_000_000 });
    await removeNodes(registry, [0], { gasLimit: 1_000_000 });
    await networkHelpers.mine();
    await ethers.provider.send("evm_setAutomine", [true]);
    const second = await networkHelpers.time.latest();

    expect(await registry.epoch()).toBe(3n);
    expect(await registry.epochAt(first - 1)).toBe(0n);
    expect(await registry.epochAt(first)).toBe(1n);
    expect(await registry.epochAt(second - 1)).toBe(1n);
    expect(await registry.epochAt(second)).toBe(3n);
  });

  it("tells what binds a possession proof to chain, registry, operator, key and commitment", async () => {
    const { registry } = await deployRegistry();
    const { operator, key, possession } = admission(0);
    const expected = possessionChallenge(operator, key, dataSlice(possession, 0, 128));
    expect(await registry.possessionChallenge(operator, key, possession)).toBe(expected);
    expect(publicKeyOf(secretOf("key 0"))).toBe(key);
  });

  it("takes peer ids of 1 to 64 bytes", async () => {
    const { registry } = await deployRegistry();
    for (const length of [0, 65]) {
      const refused = registry.admit([consented({ ...admission(0), peerId: `0x${"12".repeat(length)}` })]);
      await expect(refused).rejects.toThrow(`NodeRegistryInvalidPeerId(${length})`);
    }
    await registry.admit([consented({ ...admission(0), peerId: "0x12" })]);
    await registry.admit([consented({ ...admission(1), peerId: `0x${"12".repeat(64)}` })]);
  });
});

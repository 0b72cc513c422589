import { id, ZeroHash } from "ethers";
import { describe, expect, it } from "vitest";
import type { ModelRegistry } from "../../../src/ports/chain/bindings/index.js";
import { ethers, networkHelpers } from "../../harness/contracts/nodes.js";

const NAME = ethers.encodeBytes32String("mnist");

async function deploy() {
  const [timelock, stranger] = await ethers.getSigners();
  if (!timelock || !stranger) throw new Error("the network has too few accounts");
  const models = (await ethers.deployContract("ModelRegistry", [timelock.address])) as unknown as ModelRegistry;
  return { models: models.connect(timelock), stranger, timelock };
}

describe("ModelRegistry", () => {
  it("has accepted nothing at first", async () => {
    const { models, timelock } = await deploy();
    expect(await models.timelock()).toBe(timelock.address);
    expect([...(await models.accepted(NAME))]).toEqual([ZeroHash, ZeroHash, 0n, 0n, 0n]);
    for (const version of [0, 1]) {
      const unknown = models.acceptedVersion(NAME, version);
      await expect(unknown).rejects.toThrow(`ModelRegistryUnknownVersion("${NAME}", ${version})`);
    }
  });

  it("keeps every version of a model and what it grew from", async () => {
    const { models } = await deploy();
    const lineage: [string, bigint][] = [
      ["first", 3n],
      ["second", 5n],
      ["third", 6n],
    ];
    let parent: string = ZeroHash;
    const expected: unknown[][] = [];
    for (const [i, [name, round]] of lineage.entries()) {
      const receipt = await (await models.accept(NAME, id(name), parent, round)).wait();
      const event = models.interface.parseLog(receipt?.logs[0] ?? { topics: [], data: "0x" });
      expect(event?.args.toArray()).toEqual([NAME, id(name), parent, round, BigInt(i + 1)]);
      expected.push([id(name), parent, round, BigInt(i + 1), BigInt(await networkHelpers.time.latest())]);
      expect([...(await models.accepted(NAME))]).toEqual(expected[i]);
      parent = id(name);
    }
    for (const [i, version] of expected.entries()) {
      expect([...(await models.acceptedVersion(NAME, i + 1))]).toEqual(version);
    }
  });

  it("keeps names apart", async () => {
    const { models } = await deploy();
    const other = ethers.encodeBytes32String("cifar");
    await models.accept(NAME, id("model"), ZeroHash, 1);
    await models.accept(other, id("model"), ZeroHash, 1);
    expect((await models.accepted(other)).version).toBe(1n);
  });

  it("refuses a model that grew from anything but the accepted one", async () => {
    const { models } = await deploy();
    const stale = (parent: string, accepted: string) =>
      `ModelRegistryStaleParent("${NAME}", "${parent}", "${accepted}")`;
    await expect(models.accept(NAME, id("a"), id("none"), 1)).rejects.toThrow(stale(id("none"), ZeroHash));
    await models.accept(NAME, id("a"), ZeroHash, 1);
    await expect(models.accept(NAME, id("b"), ZeroHash, 2)).rejects.toThrow(stale(ZeroHash, id("a")));
    await models.accept(NAME, id("b"), id("a"), 2);
    await expect(models.accept(NAME, id("c"), id("a"), 3)).rejects.toThrow(stale(id("a"), id("b")));
  });

  it("refuses no model, and a model that was accepted before", async () => {
    const { models } = await deploy();
    await expect(models.accept(NAME, ZeroHash, ZeroHash, 1)).rejects.toThrow("ModelRegistryEmptyModel()");
    await models.accept(NAME, id("a"), ZeroHash, 1);
    await models.accept(NAME, id("b"), id("a"), 2);
    const circle = `ModelRegistryAlreadyAccepted("${NAME}", "${id("a")}")`;
    await expect(models.accept(NAME, id("a"), id("b"), 3)).rejects.toThrow(circle);
  });

  it("obeys the timelock alone", async () => {
    const { models, stranger } = await deploy();
    const refused = models.connect(stranger).accept(NAME, id("a"), ZeroHash, 1);
    await expect(refused).rejects.toThrow(`ModelRegistryUnauthorized("${stranger.address}")`);
  });
});

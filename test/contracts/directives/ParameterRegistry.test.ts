import { MaxUint256, ZeroHash } from "ethers";
import { describe, expect, it } from "vitest";
import type { ParameterRegistry } from "../../../src/ports/chain/bindings/index.js";
import { ethers } from "../../harness/contracts/nodes.js";

const ROUNDS = ethers.encodeBytes32String("learning.rounds");
const CHAOS = ethers.encodeBytes32String("chaos.enabled");

async function deploy() {
  const [timelock, stranger] = await ethers.getSigners();
  if (!timelock || !stranger) throw new Error("the network has too few accounts");
  const deployed = await ethers.deployContract("ParameterRegistry", [timelock.address]);
  const parameters = deployed as unknown as ParameterRegistry;
  return { parameters: parameters.connect(timelock), stranger, timelock };
}

describe("ParameterRegistry", () => {
  it("distinguishes a parameter that is zero from one that was never set", async () => {
    const { parameters } = await deploy();
    expect([...(await parameters.tryParameter(ROUNDS))]).toEqual([false, 0n]);
    await expect(parameters.parameter(ROUNDS)).rejects.toThrow(`ParameterRegistryUnset("${ROUNDS}")`);
    await parameters.setParameter(ROUNDS, 0);
    expect([...(await parameters.tryParameter(ROUNDS))]).toEqual([true, 0n]);
    expect(await parameters.parameter(ROUNDS)).toBe(0n);
  });

  it("emits the old and the new value of a parameter", async () => {
    const { parameters } = await deploy();
    let old = 0n;
    for (const value of [10n, MaxUint256, 0n, 3n]) {
      const receipt = await (await parameters.setParameter(ROUNDS, value)).wait();
      const event = parameters.interface.parseLog(receipt?.logs[0] ?? { topics: [], data: "0x" });
      expect([event?.name, ...(event?.args ?? [])]).toEqual(["ParameterSet", ROUNDS, old, value]);
      expect(await parameters.parameter(ROUNDS)).toBe(value);
      old = value;
    }
  });

  it("keeps flags beside parameters, false until set", async () => {
    const { parameters } = await deploy();
    let old = false;
    expect(await parameters.flag(CHAOS)).toBe(false);
    for (const value of [true, true, false]) {
      const receipt = await (await parameters.setFlag(CHAOS, value)).wait();
      const event = parameters.interface.parseLog(receipt?.logs[0] ?? { topics: [], data: "0x" });
      expect([event?.name, ...(event?.args ?? [])]).toEqual(["FlagSet", CHAOS, old, value]);
      expect(await parameters.flag(CHAOS)).toBe(value);
      old = value;
    }
    expect([...(await parameters.tryParameter(CHAOS))]).toEqual([false, 0n]);
  });

  it("refuses an empty name", async () => {
    const { parameters } = await deploy();
    await expect(parameters.setParameter(ZeroHash, 1)).rejects.toThrow("ParameterRegistryEmptyName()");
    await expect(parameters.setFlag(ZeroHash, true)).rejects.toThrow("ParameterRegistryEmptyName()");
  });

  it("obeys the timelock alone", async () => {
    const { parameters, stranger, timelock } = await deploy();
    expect(await parameters.timelock()).toBe(timelock.address);
    const unauthorized = `ParameterRegistryUnauthorized("${stranger.address}")`;
    await expect(parameters.connect(stranger).setParameter(ROUNDS, 1)).rejects.toThrow(unauthorized);
    await expect(parameters.connect(stranger).setFlag(CHAOS, true)).rejects.toThrow(unauthorized);
  });
});

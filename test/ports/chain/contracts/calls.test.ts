import { concat } from "ethers";
import { describe, expect, it } from "vitest";
import { ContractNames, decodeCall, encodeCall, encodeName } from "../../../../src/ports/chain/index.js";
import type { Address } from "../../../../src/records/index.js";

const addresses = Object.fromEntries(ContractNames.map((name, i) => [name, `0x${`${i + 1}`.repeat(40)}`])) as Record<
  (typeof ContractNames)[number],
  Address
>;

describe("a call", () => {
  const flag = encodeCall(addresses, "ParameterRegistry", "setFlag", [encodeName("paused"), true]);

  it("is said in words", () => {
    expect(decodeCall(addresses, flag)).toEqual({
      contract: "ParameterRegistry",
      name: "setFlag",
      args: { name: encodeName("paused"), value: true },
    });
  });

  it.each([
    ["another contract's", { ...flag, target: addresses.NodeRegistry }],
    ["a stranger's", { ...flag, target: `0x${"9".repeat(40)}` as Address }],
    ["cut short", { ...flag, data: flag.data.slice(0, 20) as Address }],
    ["without a selector", { ...flag, data: "0x" as Address }],
    ["followed by more bytes", { ...flag, data: concat([flag.data, "0x00"]) as Address }],
  ])("is none of ours when it is %s", (_, call) => {
    expect(decodeCall(addresses, call)).toEqual({ contract: null, name: null, args: {} });
  });
});

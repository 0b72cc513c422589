import { describe, expect, it } from "vitest";
import { ContractNames, parseDeployment } from "../../../../src/ports/chain/index.js";

describe("a deployment", () => {
  const lower = "0xaeed70b5f30ebb053f15371595f7b549fcc1a6dc";
  const contracts = Object.fromEntries(ContractNames.map((name) => [name, lower]));

  it("comes out with checksummed addresses", () => {
    const { contracts: read, deployedAtBlock } = parseDeployment({ chainId: 1, contracts, deployedAtBlock: 7 });
    expect(read.NodeGovernor).toBe("0xaEEd70b5F30EBB053f15371595f7b549fcC1A6DC");
    expect(deployedAtBlock).toBe(7);
  });

  it.each([
    ["chainId", { contracts, deployedAtBlock: 7 }],
    ["contracts.NodeGovernor", { chainId: 1, contracts: { ...contracts, NodeGovernor: "0x12" }, deployedAtBlock: 7 }],
    ["the document", { chainId: 1, contracts, deployedAtBlock: 7, extra: true }],
    ["the document", undefined],
  ])("is refused with the name of what is wrong: %s", (field, value) => {
    expect(() => parseDeployment(value)).toThrow(expect.objectContaining({ code: "config" }));
    expect(() => parseDeployment(value)).toThrow(field);
  });
});

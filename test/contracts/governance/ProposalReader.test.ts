import { beforeEach, describe, expect, it } from "vitest";
import { contracts, restart, useFreshGovernance } from "../../harness/contracts/currentGovernance.js";
import { ethers } from "../../harness/contracts/deployGovernance.js";
import { revertOf } from "../../harness/contracts/reverts.js";

beforeEach(useFreshGovernance);

describe("The evidence of a proposal", () => {
  it("refuses evidence that is out of order, repeated, zero or too much", async () => {
    const [low, high] = [ethers.toBeHex(1, 32), ethers.toBeHex(2, 32)];
    const many = Array.from({ length: 17 }, (_, i) => ethers.toBeHex(i + 1, 32));
    const refusal = async (evidence: string[]) =>
      revertOf((await restart({ evidence })).propose(contracts.operators[0]));

    expect(await refusal([high, low])).toEqual(["GovernorInvalidEvidence", 1n]);
    expect(await refusal([low, low])).toEqual(["GovernorInvalidEvidence", 1n]);
    expect(await refusal([ethers.ZeroHash])).toEqual(["GovernorInvalidEvidence", 0n]);
    expect(await refusal(many)).toEqual(["GovernorInvalidEvidence", 16n]);
    expect(await refusal(many.slice(0, 16))).toBeUndefined();
  });
});

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ChainError, ContractRevertError } from "../../../../src/ports/chain/index.js";
import type { FailoverProvider } from "../../../../src/ports/chain/rpc/provider.js";
import { fitParts, transactionGasLimit } from "../../../../src/ports/chain/transactions/fitParts.js";

const numbers = (count: number) => Array.from({ length: count }, (_, i) => i);
const revert = (errorName: string) => new ContractRevertError({ errorName, args: {}, contract: "NodeRegistry" });
const linear = (each: bigint) => async (part: readonly unknown[]) => 50_000n + each * BigInt(part.length);

describe("what several transactions are to carry", () => {
  it("goes in one where it fits, up to the last gas", async () => {
    expect(await fitParts(numbers(100), 10_050_000n, linear(100_000n))).toEqual([numbers(100)]);
    const halves = await fitParts(numbers(100), 10_049_999n, linear(100_000n));
    expect(halves.map(({ length }) => length)).toEqual([50, 50]);
  });

  it("fits whatever each costs: every item once, in its order, no part over the limit", async () => {
    const limit = 1_000_000n;
    await fc.assert(
      fc.asyncProperty(fc.nat(300), fc.bigInt(1n, 950_000n), async (count, each) => {
        const parts = await fitParts(numbers(count), limit, linear(each));
        expect(parts.flat()).toEqual(numbers(count));
        for (const part of parts) expect(await linear(each)(part)).toBeLessThanOrEqual(limit);
      }),
    );
  });

  it.each(["NoReason", "NodeRegistryInvalidPossession"])(
    "is halved where the chain refuses many, whatever reason a contract gives that ran out of gas: %s",
    async (reason) => {
      const estimate = async (part: readonly number[]) => {
        if (part.length > 40) throw revert(reason);
        return 1n;
      };
      expect((await fitParts(numbers(120), 10n, estimate)).map(({ length }) => length)).toEqual([30, 30, 30, 30]);
    },
  );

  it("is refused for one item that is refused by itself", async () => {
    const estimate = async (part: readonly number[]) => {
      if (part.includes(77)) throw revert("NodeRegistryInvalidKey");
      return 1n;
    };
    await expect(fitParts(numbers(100), 10n, estimate)).rejects.toMatchObject({ errorName: "NodeRegistryInvalidKey" });
  });

  it("is not halved because the chain cannot be asked", async () => {
    let asked = 0;
    const estimate = async () => {
      asked += 1;
      throw new ChainError("rpc-unreachable", "away");
    };
    await expect(fitParts(numbers(100), 10n, estimate)).rejects.toMatchObject({ code: "rpc-unreachable" });
    expect(asked).toBe(1);
  });

  it.each([
    ["what a block holds", 12_000_000n, 12_000_000n],
    ["what EIP-7825 allows, in a larger block", 60_000_000n, 16_777_216n],
  ])("may use %s", async (_what, block, limit) => {
    const provider = { send: async () => ({ gasLimit: `0x${block.toString(16)}` }) } as unknown as FailoverProvider;
    expect(await transactionGasLimit(provider)).toBe(limit);
  });
});

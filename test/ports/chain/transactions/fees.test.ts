import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { InvalidInputError } from "../../../../src/errors.js";
import {
  bumped,
  capped,
  type Fees,
  feesFor,
  fromGwei,
  inGwei,
  readMarket,
} from "../../../../src/ports/chain/transactions/fees.js";

const fee = fc.bigInt({ min: 0n, max: 10n ** 15n });
const fees = fc.record({ max: fee, tip: fee });

/** How pools decide whether a fee replaces another, as clients have it, roundings included. */
const RULES: Readonly<Record<string, (given: bigint, there: bigint) => boolean>> = {
  geth: (given, there) => given > there && given >= (there * 110n) / 100n,
  reth: (given, there) => given > (there * 110n) / 100n,
  hardhat: (given, there) => given >= (there * 110n + 99n) / 100n,
  openEthereum: (given, there) => given * 1_000n > there * 1_125n,
};

describe("a replacement's fees", () => {
  it("are enough by the rules of every pool, in both", () => {
    fc.assert(
      fc.property(fees, (there) => {
        const given: Fees = bumped(there);
        for (const takes of Object.values(RULES)) {
          expect([takes(given.max, there.max), takes(given.tip, there.tip)]).toEqual([true, true]);
        }
      }),
    );
  });

  it("are never above the cap, and the tip is a part of them", () => {
    fc.assert(
      fc.property(fees, fee, (asked, cap) => {
        const { max, tip } = capped(asked, cap);
        expect(max <= cap && max <= asked.max && tip <= max && tip <= asked.tip).toBe(true);
      }),
    );
  });
});

describe("the market", () => {
  const answers = (given: Readonly<Record<string, unknown>>) => ({
    send: async (method: string) => {
      if (method in given) return given[method];
      throw new Error("the method does not exist");
    },
  });

  it("is the base fee and the tip that the node suggests", async () => {
    const rpc = answers({
      eth_getBlockByNumber: { number: "0x7", baseFeePerGas: "0x5" },
      eth_maxPriorityFeePerGas: "0x2",
    });
    const market = await readMarket(rpc);
    expect(market).toEqual({ head: 7, base: 5n, tip: 2n });
    expect(feesFor(market)).toEqual({ max: 12n, tip: 2n });
  });

  it("has a tip also where the node suggests none", async () => {
    const rpc = answers({ eth_getBlockByNumber: { number: "0x7", baseFeePerGas: "0x5" } });
    expect(await readMarket(rpc)).toMatchObject({ tip: 1_000_000_000n });
  });

  it("is a gas price on a chain without EIP-1559", async () => {
    const market = await readMarket(answers({ eth_getBlockByNumber: { number: "0x7" }, eth_gasPrice: "0x9" }));
    expect(feesFor(market)).toEqual({ max: 9n, tip: 9n });
  });
});

it("takes gwei with three digits behind the point, and says them so", () => {
  expect(fromGwei(0.007)).toBe(7_000_000n);
  expect(inGwei(fromGwei(12.5))).toBe("12.5 gwei");
  for (const wrong of [0, -1, Number.NaN, Number.POSITIVE_INFINITY, 1e-9]) {
    expect(() => fromGwei(wrong)).toThrow(InvalidInputError);
  }
});

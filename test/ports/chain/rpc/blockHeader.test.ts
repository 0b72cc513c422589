import { describe, expect, it } from "vitest";
import { ChainError } from "../../../../src/ports/chain/index.js";
import { lastFinalBlock, readFinalHeader, readHeader } from "../../../../src/ports/chain/rpc/blockHeader.js";

type Source = Parameters<typeof readFinalHeader>[0];

/** A chain of `head` blocks whose `finalized` tag is answered by `finalized`. */
function chainOf(head: number, finalized: () => number | null): Source {
  const block = (number: number) => ({ number: `0x${number.toString(16)}`, hash: `0x${number}`, timestamp: "0x64" });
  const send = async (_: string, [tag]: readonly unknown[]) => {
    const number = tag === "finalized" ? finalized() : tag === "latest" ? head : Number(tag);
    return number === null || number > head ? null : block(number);
  };
  return {
    provider: { send },
    read: (call: () => unknown) => call(),
    blockNumber: async () => head,
  } as unknown as Source;
}

const refusal = (details: string) => () => {
  throw new ChainError("rpc-error", "The RPC refused the request.", { details });
};

describe("a block's header", () => {
  it("is read by height, and undefined beyond the head", async () => {
    const chain = chainOf(9, () => null);
    expect(await readHeader(chain, 7)).toEqual({ number: 7, hash: "0x7", time: 100 });
    expect(await readHeader(chain, 10)).toBeUndefined();
  });

  it.each(["invalid block tag", "'finalized' tag not supported on pre-merge network", "hex string without 0x prefix"])(
    "is undefined under a tag that the RPC node refuses with: %s",
    async (details) => expect(await readHeader(chainOf(9, refusal(details)), "finalized")).toBeUndefined(),
  );

  it("is not undefined because the RPC node is busy", async () => {
    await expect(readHeader(chainOf(9, refusal("rate limit exceeded")), "finalized")).rejects.toThrow(ChainError);
  });
});

describe("the newest final block", () => {
  it.each([
    [1, { head: 9, finalized: null }, 9],
    [0, { head: 9, finalized: null }, 9],
    [3, { head: 9, finalized: 2 }, 7],
    [12, { head: 9, finalized: null }, -2],
    ["finalized" as const, { head: 100, finalized: 80 }, 80],
    ["finalized" as const, { head: 100, finalized: 120 }, 100],
    ["finalized" as const, { head: 100, finalized: null }, 37],
  ])("by the rule %s at %o is %i", (rule, at, expected) => expect(lastFinalBlock(rule, at)).toBe(expected));

  it("is read by tag, by depth if the RPC node does not support the tag, and undefined on a young chain", async () => {
    expect(
      (
        await readFinalHeader(
          chainOf(100, () => 80),
          "finalized",
        )
      )?.number,
    ).toBe(80);
    expect(
      (
        await readFinalHeader(
          chainOf(100, () => null),
          "finalized",
        )
      )?.number,
    ).toBe(37);
    expect(
      (
        await readFinalHeader(
          chainOf(100, () => null),
          5,
        )
      )?.number,
    ).toBe(96);
    expect(
      await readFinalHeader(
        chainOf(10, () => null),
        "finalized",
      ),
    ).toBeUndefined();
  });
});

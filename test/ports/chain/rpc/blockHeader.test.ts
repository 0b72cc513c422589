import { describe, expect, it } from "vitest";
import { ChainError } from "../../../../src/ports/chain/index.js";
import {
  hasLeftChain,
  lastFinalBlock,
  readFinalHeader,
  readHeader,
} from "../../../../src/ports/chain/rpc/blockHeader.js";

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

  it.each([
    "finalized block not found",
    "Unknown block",
    "invalid block tag",
    "'finalized' tag not supported on pre-merge network",
    "hex string without 0x prefix",
  ])("is undefined under a tag that the RPC node refuses with: %s", async (details) =>
    expect(await readHeader(chainOf(9, refusal(details)), "finalized")).toBeUndefined(),
  );

  it.each(["unknown block", "header not found"])(
    "is undefined at a height that the RPC node refuses with: %s",
    async (details) => {
      const send = async () => refusal(details)();
      const read = (call: () => unknown) => call();
      expect(await readHeader({ provider: { send }, read } as unknown as Source, 10)).toBeUndefined();
    },
  );

  it("is not undefined because the RPC node is busy", async () => {
    await expect(readHeader(chainOf(9, refusal("rate limit exceeded")), "finalized")).rejects.toThrow(ChainError);
  });
});

describe("a block that was read before", () => {
  const hashes = (own: readonly (string | null)[], other?: string) => {
    const blockOf = (hash: string | null | undefined) => hash && { number: "0x7", hash, timestamp: "0x64" };
    const answers = [...own];
    const provider = { send: async () => blockOf(answers.shift()) ?? null, sendToAnother: async () => blockOf(other) };
    return { provider, read: (call: () => unknown) => call() } as unknown as Parameters<typeof hasLeftChain>[0];
  };
  const block = { number: 7, hash: "0xaa" } as const;

  it("is in the chain as one answer says, and has left it only as two say", async () => {
    expect(await hasLeftChain(hashes(["0xaa"]), block)).toBe(false);
    expect(await hasLeftChain(hashes(["0xbb", "0xbb"]), block)).toBe(true);
    expect(await hasLeftChain(hashes(["0xbb"], "0xcc"), block)).toBe(true);
  });

  it("has not left it because answers contradict one another, or are missing", async () => {
    await expect(hasLeftChain(hashes(["0xbb", "0xaa"]), block)).rejects.toMatchObject({ kind: "rpc-error" });
    await expect(hasLeftChain(hashes(["0xbb"], "0xaa"), block)).rejects.toMatchObject({ retryable: true });
    await expect(hasLeftChain(hashes([null]), block)).rejects.toMatchObject({ kind: "rpc-behind", retryable: true });
    await expect(hasLeftChain(hashes(["0xbb", null]), block)).rejects.toMatchObject({ kind: "rpc-behind" });
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

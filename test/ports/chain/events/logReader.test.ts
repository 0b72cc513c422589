import { describe, expect, it } from "vitest";
import { createLogReader, type LogReader } from "../../../../src/ports/chain/events/logReader.js";
import { ChainError } from "../../../../src/ports/chain/index.js";

type LogReaderOptions = Parameters<typeof createLogReader>[0];

/** A reader over an RPC that has one log a block, last first, and refuses more than `most` blocks; `asked` are the ranges. */
function readerOf(most: () => number, failure: () => Error = () => new Error("query returned too many results")) {
  const asked: [number, number][] = [];
  const send = async (_: string, [{ fromBlock, toBlock }]: [{ fromBlock: string; toBlock: string }]) => {
    const [from, to] = [Number(fromBlock), Number(toBlock)];
    asked.push([from, to]);
    if (to - from + 1 > most()) throw failure();
    return Array.from({ length: to - from + 1 }, (_, i) => ({
      blockNumber: to - i,
      blockHash: `0x${to - i}`,
      logIndex: 0,
    }));
  };
  const provider = { send, sendToAnother: async () => undefined };
  const options = { provider, filter: { address: [], topics: [] }, decode: (log: unknown) => log, blockRange: 8 };
  return { asked, reader: createLogReader(options as unknown as LogReaderOptions) as unknown as LogReader };
}

describe("a log reader", () => {
  it("reads at most its range, in order", async () => {
    const { reader } = readerOf(() => 100);
    const { events, lastBlock } = await reader.read(10, 99);
    expect(lastBlock).toBe(17);
    expect(events.map(({ blockNumber }) => blockNumber)).toEqual([10, 11, 12, 13, 14, 15, 16, 17]);
    expect((await reader.read(10, 12)).lastBlock).toBe(12);
  });

  it("halves the range that an endpoint refuses, and asks for more again after a while", async () => {
    let most = 2;
    const { asked, reader } = readerOf(() => most);
    for (let next = 0; next < 40; ) next = (await reader.read(next, 1_000)).lastBlock + 1;
    const widths = () => asked.splice(0).map(([from, to]) => to - from + 1);
    // One attempt after 16 answers, which is refused, and the next one only after twice as many.
    expect(widths()).toEqual([8, 4, ...Array(16).fill(2), 4, ...Array(4).fill(2)]);
    most = 100;
    for (let next = 0; next < 300; ) next = (await reader.read(next, 1_000)).lastBlock + 1;
    expect(widths().at(-1)).toBe(8);
  });

  it("does not ask for less because it is asked too often", async () => {
    const { asked, reader } = readerOf(
      () => 0,
      () => new ChainError("rpc-limited", "The RPC refuses more requests for now."),
    );
    await expect(reader.read(0, 99)).rejects.toMatchObject({ kind: "rpc-limited" });
    expect(asked).toEqual([[0, 7]]);
  });

  it("throws what an endpoint says of a single block", async () => {
    const { asked, reader } = readerOf(() => 0);
    await expect(reader.read(0, 99)).rejects.toMatchObject({
      kind: "rpc-error",
      details: "query returned too many results",
    });
    expect(asked.at(-1)).toEqual([0, 0]);
  });

  it("leaves a failure of the connection to its caller", async () => {
    const { asked, reader } = readerOf(
      () => 0,
      () => new ChainError("rpc-unreachable", "The RPC cannot be reached."),
    );
    await expect(reader.read(0, 99)).rejects.toThrow(ChainError);
    expect(asked).toHaveLength(1);
  });
});

import { describe, expect, it } from "vitest";
import { createLogReader } from "../../../../src/ports/chain/events/logReader.js";
import { ChainError } from "../../../../src/ports/chain/index.js";

type LogReaderOptions = Parameters<typeof createLogReader>[0];

/** A reader over an RPC that has one log a block, last first, and refuses more than `most` blocks; `asked` are the ranges. */
function readerOf(most: () => number, failure: () => Error = () => new Error("query returned too many results")) {
  const asked: [number, number][] = [];
  const send = async (_: string, [{ fromBlock, toBlock }]: [{ fromBlock: string; toBlock: string }]) => {
    const [from, to] = [Number(fromBlock), Number(toBlock)];
    asked.push([from, to]);
    if (to - from + 1 > most()) throw failure();
    return Array.from({ length: to - from + 1 }, (_, i) => ({ blockNumber: to - i, logIndex: 0 }));
  };
  const options = { provider: { send }, filter: {}, decode: (log: unknown) => log, blockRange: 8 };
  return { asked, reader: createLogReader(options as unknown as LogReaderOptions) };
}

describe("a log reader", () => {
  it("reads at most its range, in order", async () => {
    const { reader } = readerOf(() => 100);
    const { events, lastBlock } = await reader.read(10, 99);
    expect(lastBlock).toBe(17);
    expect(events.map(({ blockNumber }) => blockNumber)).toEqual([10, 11, 12, 13, 14, 15, 16, 17]);
    expect((await reader.read(10, 12)).lastBlock).toBe(12);
  });

  it("halves the range that an endpoint refuses, and doubles it again afterwards", async () => {
    let most = 2;
    const { asked, reader } = readerOf(() => most);
    expect((await reader.read(0, 99)).lastBlock).toBe(1);
    most = 100;
    expect((await reader.read(2, 99)).lastBlock).toBe(5);
    expect((await reader.read(6, 99)).lastBlock).toBe(13);
    expect((await reader.read(14, 99)).lastBlock).toBe(21);
    expect(asked.map(([from, to]) => to - from + 1)).toEqual([8, 4, 2, 4, 8, 8]);
  });

  it("throws what an endpoint says of a single block", async () => {
    const { asked, reader } = readerOf(() => 0);
    await expect(reader.read(0, 99)).rejects.toThrow("too many results");
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

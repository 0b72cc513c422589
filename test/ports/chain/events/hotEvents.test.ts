import { getAddress, type Interface } from "ethers";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { contractInterfaces } from "../../../../src/ports/chain/contracts/contracts.js";
import { plainArgs } from "../../../../src/ports/chain/contracts/plain.js";
import { createHotDecoders } from "../../../../src/ports/chain/events/hotEvents.js";
import type { RawLog } from "../../../../src/ports/chain/events/rawLog.js";

const decoders = createHotDecoders();

const hex = (length: number) =>
  fc.uint8Array({ minLength: length, maxLength: length }).map((bytes) => `0x${Buffer.from(bytes).toString("hex")}`);
const [word, address] = [hex(32), hex(20).map((text) => getAddress(text))];
const uint64 = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n });

type HotContract = "KnowledgeRegistry" | "DirectiveRegistry";

/** The frequent events, with any arguments that they may have. */
const hot: readonly [HotContract, string, fc.Arbitrary<readonly unknown[]>][] = [
  ["KnowledgeRegistry", "Anchored", fc.tuple(address, word, uint64, uint64, word)],
  ["DirectiveRegistry", "DirectiveReported", fc.tuple(word, address, fc.bigInt({ min: 0n, max: 3n }), word)],
];

function logOf(contract: HotContract, name: string, args: readonly unknown[]): RawLog {
  const { topics, data } = (contractInterfaces[contract] as Interface).encodeEventLog(name, args);
  const place = { blockNumber: "0x1", blockHash: "0x02", transactionHash: "0x03", logIndex: "0x4" } as const;
  return { ...place, address: `0x${"11".repeat(20)}`, topics, data };
}

const decode = (log: RawLog) => decoders.get(log.topics[0] ?? "")?.(log);

describe("a decoder of a frequent event", () => {
  it.each(hot)("gives of %s.%s what ethers gives", (contract, name, args) => {
    fc.assert(
      fc.property(args, (args) => {
        const log = logOf(contract, name, args);
        const parsed = (contractInterfaces[contract] as Interface).parseLog(log);
        if (parsed === null) throw new Error("unreachable");
        expect(decode(log)).toEqual({ contract, name, args: plainArgs(parsed.fragment.inputs, parsed.args) });
      }),
      { numRuns: 50 },
    );
  });

  it.each(hot)("leaves a log of %s.%s of another shape to ethers", (contract, name, args) => {
    const log = logOf(contract, name, fc.sample(args, { numRuns: 1, seed: 1 })[0] ?? []);
    expect(decode(log)).toBeDefined();
    for (const other of [
      { ...log, data: "0x" },
      { ...log, data: log.data.slice(0, -2) },
      { ...log, data: `${log.data}${"00".repeat(32)}` },
      { ...log, topics: log.topics.slice(0, -1) },
      { ...log, topics: [...log.topics, log.topics[0] ?? ""] },
    ]) {
      expect(decode(other)).toBeUndefined();
    }
  });

  it("gives an author's address with its checksum, each time the same", () => {
    const author = getAddress(`0x${"ab".repeat(20)}`);
    const root = `0x${"01".repeat(32)}`;
    for (const sequence of [1n, 2n]) {
      expect(decode(logOf("KnowledgeRegistry", "Anchored", [author, root, sequence, 1n, root]))).toMatchObject({
        args: { author, sequence },
      });
    }
  });

  it("is there for the frequent events alone", () => {
    const names = hot.map(([contract, name]) => (contractInterfaces[contract] as Interface).getEvent(name)?.topicHash);
    expect([...decoders.keys()].sort()).toEqual(names.sort());
  });
});
